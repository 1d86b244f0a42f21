/**
 * The connection to NATS of one process. It is made in the background and again whenever it is lost, for ever, so that
 * a service may start before its server; `isConnected` tells readiness. Closing the scope drains it.
 */
import { readFileSync } from "node:fs"
import { credsAuthenticator, type NatsConnection, usernamePasswordAuthenticator, type Authenticator } from "@nats-io/nats-core"
import { connect, type NodeConnectionOptions } from "@nats-io/transport-node"
import { type Config, Context, Deferred, Effect, Layer, Redacted, Schedule, type Scope } from "effect"
import { natsConfig, type NatsOptions } from "./NatsConfig.ts"
import { NatsError, NatsMisconfigured } from "./NatsError.ts"

export class Nats extends Context.Service<
  Nats,
  {
    /** Waits for the first connection; afterwards it is at hand, connected or not. */
    readonly connection: Effect.Effect<NatsConnection>
    /** Whether the connection stands now: a readiness check. */
    readonly isConnected: Effect.Effect<boolean>
    /** Succeeds when the connection is lost next. */
    readonly disconnected: Effect.Effect<void>
    /** The subjects that the server has refused to this user lately, with the time of the last refusal. */
    readonly refusedAt: (subject: string) => number | undefined
  }
>()("@bulkhead/nats/Nats") {
  /** From the environment: see `NatsConfig.ts`. Fails for settings with which no connection can be made. */
  static readonly layer: Layer.Layer<Nats, Config.ConfigError | NatsError> = Layer.effect(
    Nats,
    Effect.suspend(() => Effect.flatMap(natsConfig, make))
  )

  static readonly layerWith = (options: NatsOptions): Layer.Layer<Nats, NatsError> => Layer.effect(Nats, make(options))
}

const RECONNECT_WAIT_MS = 500
const RECONNECT_JITTER_MS = 500
const FIRST_CONNECT_RETRY = "1 second"
const DRAIN_DEADLINE = "5 seconds"
const REFUSALS_KEPT = 100

const misconfigured = (problem: string, nextStep: string, cause?: unknown) =>
  new NatsError({ operation: "Nats.layer", reason: new NatsMisconfigured({ problem, nextStep, cause }) })

const readable = (variable: string, path: string) =>
  Effect.try({
    try: () => readFileSync(path),
    catch: (cause) => misconfigured(`${variable}="${path}" cannot be read`, "check the path and the file's rights", cause)
  })

/** The file is read at each connect, so that rotated credentials are used without a restart. */
const authenticators = (options: NatsOptions): Array<Authenticator> => {
  const { credsFile, user, password } = options
  if (credsFile !== undefined) return [(nonce) => credsAuthenticator(readFileSync(credsFile))(nonce)]
  if (user === undefined) return []
  return [usernamePasswordAuthenticator(user, password === undefined ? undefined : Redacted.value(password))]
}

const tlsOf = Effect.fnUntraced(function* (options: NatsOptions) {
  const { tlsCaFile: caFile, tlsCertFile: certFile, tlsKeyFile: keyFile } = options
  if (caFile === undefined && certFile === undefined) return {}
  if ((certFile === undefined) !== (keyFile === undefined)) {
    return yield* misconfigured("NATS_TLS_CERT and NATS_TLS_KEY belong together", "set both or none")
  }
  for (const [variable, path] of [["NATS_TLS_CA", caFile], ["NATS_TLS_CERT", certFile], ["NATS_TLS_KEY", keyFile]] as const) {
    if (path !== undefined) yield* readable(variable, path)
  }
  const given = { caFile, certFile, keyFile }
  return { tls: Object.fromEntries(Object.entries(given).filter(([, path]) => path !== undefined)) }
})

const connectionOptions = Effect.fnUntraced(function* (options: NatsOptions) {
  if (options.credsFile !== undefined) yield* readable("NATS_CREDS_FILE", options.credsFile)
  const built: NodeConnectionOptions = {
    servers: [...options.servers],
    name: options.clientName ?? "bulkhead",
    reconnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    reconnectJitter: RECONNECT_JITTER_MS,
    // Credentials are rotated and users unsuspended while we run: being refused now is no reason to give up.
    ignoreAuthErrorAbort: true,
    // A stack trace per request costs a third of the publishing rate.
    noAsyncTraces: true,
    authenticator: authenticators(options),
    ...(options.inboxPrefix === undefined ? {} : { inboxPrefix: options.inboxPrefix }),
    ...(yield* tlsOf(options))
  }
  return built
})

/** `nats://host:4222`, without a user or password that somebody wrote into the URL. */
const placesOf = (options: NatsOptions): string =>
  options.servers.map((server) => server.replace(/\/\/[^@/]*@/, "//")).join(", ")

const make = Effect.fnUntraced(function* (options: NatsOptions): Effect.fn.Return<Nats["Service"], NatsError, Scope.Scope> {
  const settings = yield* connectionOptions(options)
  const places = placesOf(options)
  const first = yield* Deferred.make<NatsConnection>()
  const refused = new Map<string, number>()
  let isConnected = false
  let lost = yield* Deferred.make<void>()
  const run = Effect.runSyncWith(yield* Effect.context<never>())

  const onConnected = () => {
    isConnected = true
    run(Effect.logInfo("connected to NATS", { places }))
  }
  const onLost = () => {
    if (!isConnected) return
    isConnected = false
    run(Effect.logWarning("lost the connection to NATS", { places }))
    const ended = lost
    lost = Deferred.makeUnsafe<void>()
    Deferred.doneUnsafe(ended, Effect.void)
  }
  const onRefused = (error: Error) => {
    const subject = "subject" in error ? String(error.subject) : undefined
    run(Effect.logWarning("NATS refused", { problem: error.message }))
    if (subject === undefined) return
    refused.set(subject, Date.now())
    const oldest = refused.keys().next().value
    if (refused.size > REFUSALS_KEPT && oldest !== undefined) refused.delete(oldest)
  }

  const follow = (connection: NatsConnection) =>
    Effect.promise(async () => {
      for await (const status of connection.status()) {
        if (status.type === "reconnect") onConnected()
        else if (status.type === "disconnect" || status.type === "close") onLost()
        else if (status.type === "error") onRefused(status.error)
      }
    })

  const close = (connection: NatsConnection) =>
    Effect.promise(() => (connection.isClosed() ? Promise.resolve() : connection.drain())).pipe(
      Effect.timeoutOption(DRAIN_DEADLINE),
      // Draining a connection that is lost never ends; then there is nothing to drain.
      Effect.andThen(Effect.promise(() => connection.close())),
      Effect.ignoreCause
    )

  const establish = Effect.gen(function* () {
    const connection = yield* Effect.acquireRelease(
      Effect.tryPromise(() => connect(settings)).pipe(
        Effect.tapError((error) => Effect.logWarning("waiting for NATS", { places, problem: String(error.cause ?? error) })),
        Effect.retry(Schedule.spaced(FIRST_CONNECT_RETRY).pipe(Schedule.jittered))
      ),
      close,
      { interruptible: true }
    )
    yield* Effect.forkScoped(follow(connection))
    onConnected()
    yield* Deferred.succeed(first, connection)
  })
  yield* establish.pipe(Effect.tapCause(Effect.logError), Effect.forkScoped)

  return {
    connection: Deferred.await(first),
    isConnected: Effect.sync(() => isConnected),
    disconnected: Effect.suspend(() => Deferred.await(lost)),
    refusedAt: (subject) => refused.get(subject)
  }
})
