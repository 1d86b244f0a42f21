/**
 * The process's connection to NATS. It is made once, and made again for ever when it is lost; a server that is away at
 * start delays nothing but readiness. Closing the scope drains it.
 */
import type { NatsConnection, Status } from "@nats-io/nats-core"
import { type Config, Context, Effect, Latch, Layer, Schedule, type Scope } from "effect"
import { connectOnce, type Dialer, makeDialer } from "./internal/dial.ts"
import { type NatsOptions, natsConfig } from "./NatsConfig.ts"
import type { NatsError } from "./NatsError.ts"

/** The connection and its state. */
export class Nats extends Context.Service<
  Nats,
  {
    /** The connection; waits while it is lost or not yet made. It stays the same object when it comes back. */
    readonly connection: Effect.Effect<NatsConnection>
    /** Whether the connection stands now: a readiness check. */
    readonly isConnected: Effect.Effect<boolean>
    /** Calls `listener` with what happens to the connection, until the scope closes. */
    readonly onStatus: (listener: (status: Status) => void) => Effect.Effect<void, never, Scope.Scope>
    /** Where answers to this process go. */
    readonly inboxPrefix: string
  }
>()("@bulkhead/nats/Nats") {
  /** From the environment: see `NatsConfig.ts`. */
  static readonly layer: Layer.Layer<Nats, Config.ConfigError | NatsError> = Layer.effect(
    Nats,
    Effect.suspend(() => Effect.flatMap(natsConfig, make))
  )

  /**
   * Fails for settings that cannot work and for credentials that the server refuses at the first attempt. A server that
   * does not answer is no failure.
   */
  static readonly layerWith = (options: NatsOptions): Layer.Layer<Nats, NatsError> => Layer.effect(Nats, make(options))
}

const DRAIN_DEADLINE = "5 seconds"
const REFUSALS_TOLD_MAX = 100

/** Half a second to five seconds, so that a thousand clients do not come back at once. */
const firstConnectBackoff = Schedule.min([Schedule.exponential("500 millis"), Schedule.spaced("5 seconds")]).pipe(
  Schedule.jittered
)

const make = Effect.fnUntraced(function* (options: NatsOptions) {
  const dialer = yield* makeDialer(options)
  const link = new Link(dialer.servers, Effect.runSyncWith(yield* Effect.context<never>()))
  yield* Effect.addFinalizer(() => link.close)
  const first = yield* connectOnce(dialer).pipe(
    Effect.catchIf(
      (error) => error.isRetryable,
      () => Effect.succeed(undefined)
    )
  )
  if (first !== undefined) link.adopt(first)
  else yield* Effect.forkScoped(connectLater(dialer, link))
  return Nats.of({
    connection: link.connection,
    isConnected: Effect.sync(() => link.isUp),
    onStatus: (listener) =>
      Effect.acquireRelease(
        Effect.sync(() => void link.listeners.add(listener)),
        () => Effect.sync(() => void link.listeners.delete(listener))
      ),
    inboxPrefix: options.inboxPrefix ?? "_INBOX"
  })
})

/** Once the process runs, refused credentials are a reason to be not ready, and to try again: they may be replaced. */
const connectLater = (dialer: Dialer, link: Link) => {
  let told = ""
  return connectOnce(dialer).pipe(
    Effect.tapError((error) => {
      if (error.message === told) return Effect.void
      told = error.message
      return Effect.logWarning("not connected to NATS yet", { problem: error.message })
    }),
    Effect.retry(firstConnectBackoff),
    Effect.map((connection) => link.adopt(connection)),
    Effect.tapCause((cause) => Effect.logError("gave up connecting to NATS", cause))
  )
}

/** One connection, its state, and who wants to know. */
class Link {
  isUp = false
  readonly listeners = new Set<(status: Status) => void>()
  readonly connection: Effect.Effect<NatsConnection>
  #current: NatsConnection | undefined
  #isClosing = false
  readonly #refusals = new Set<string>()
  readonly #up = Latch.makeUnsafe(false)
  readonly #servers: string
  readonly #run: (effect: Effect.Effect<void>) => void

  constructor(servers: string, run: (effect: Effect.Effect<void>) => void) {
    this.#servers = servers
    this.#run = run
    this.connection = Effect.suspend(() => {
      const current = this.#current
      return this.isUp && current !== undefined
        ? Effect.succeed(current)
        : Effect.andThen(this.#up.await, this.connection)
    })
  }

  adopt(connection: NatsConnection): void {
    this.#current = connection
    this.#setUp(true)
    void this.#follow(connection)
  }

  async #follow(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === "reconnect") this.#setUp(true)
      if (status.type === "disconnect" || status.type === "close") this.#setUp(false)
      if (status.type === "error") this.#tellRefusal(status.error.message)
      for (const listener of this.listeners) listener(status)
    }
  }

  /** A client that is refused is refused again and again: each refusal is told once a connection. */
  #tellRefusal(problem: string): void {
    if (this.#refusals.has(problem) || this.#refusals.size === REFUSALS_TOLD_MAX) return
    this.#refusals.add(problem)
    this.#run(Effect.logWarning("NATS refused", { problem }))
  }

  #setUp(isUp: boolean): void {
    if (isUp === this.isUp) return
    this.isUp = isUp
    if (isUp) {
      this.#refusals.clear()
      this.#up.openUnsafe()
      this.#run(Effect.logInfo("connected to NATS", { server: this.#current?.getServer() }))
    } else {
      this.#up.closeUnsafe()
      if (!this.#isClosing)
        this.#run(
          Effect.logWarning("the connection to NATS is lost, trying to get it back", { servers: this.#servers })
        )
    }
  }

  /** Draining a lost connection would wait for an answer that nobody gives. */
  get close(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const current = this.#current
      if (current === undefined || current.isClosed()) return Effect.void
      this.#isClosing = true
      const drain = this.isUp ? Effect.tryPromise(() => current.drain()) : Effect.void
      return drain.pipe(
        Effect.timeout(DRAIN_DEADLINE),
        Effect.catch((error) => Effect.logWarning("NATS was not drained", { problem: String(error) })),
        Effect.andThen(Effect.promise(() => current.close()))
      )
    })
  }
}
