/**
 * An installation without tenants, alive: a stream, publishers that never stop, and a reader of each kind that does what
 * its owner would do, and reads on at the new place as soon as there is one. What each has published and read is kept, by
 * message id.
 */
import { randomUUID } from "node:crypto"
import { subjectMatches } from "@bulkhead/channels"
import { type RunningNatsServer, startNatsServer, waitUntil } from "@bulkhead/devstack"
import { FlagStore, Flags, TENANT_PREFIX_ENABLED } from "@bulkhead/flags"
import { Nats } from "@bulkhead/nats"
import {
  AckPolicy,
  type ConsumerConfig,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager
} from "@nats-io/jetstream"
import { type NatsConnection, nanos } from "@nats-io/nats-core"
import { connect } from "@nats-io/transport-node"
import { ConfigProvider, Context, Effect, Layer } from "effect"
import { EMPTY_MAPPING, inspect, JetStreamAdmin, type Mapping, type PlanOptions, planMigration } from "../src/index.ts"

export const SUBJECTS = ["events.>", "logs.>"]
const PUBLISHED = ["events.poller.health", "events.ocsf.processed", "logs.syslog"]
/** Long enough for a repeat, short enough for a test. */
export const WINDOW_MS = 1_000

export type ConsumerName = "zen-consumer" | "db-event-writer" | "everything" | "pushed"

/** The consumers of such an installation, and what each reads. */
export const CONSUMERS: Readonly<Record<ConsumerName, Partial<ConsumerConfig>>> = {
  "zen-consumer": { ack_policy: AckPolicy.Explicit, filter_subjects: ["logs.syslog"] },
  "db-event-writer": { ack_policy: AckPolicy.Explicit, max_deliver: 3, filter_subjects: SUBJECTS },
  everything: { ack_policy: AckPolicy.All },
  pushed: { ack_policy: AckPolicy.Explicit, deliver_subject: "push.here", filter_subject: "events.ocsf.processed" }
}

const moveAll = (names: ReadonlyArray<ConsumerName>): Mapping => ({
  ...EMPTY_MAPPING,
  consumers: Object.fromEntries(names.map((name) => [`events/${name}`, "move" as const]))
})

const connection = (server: RunningNatsServer) =>
  Effect.acquireRelease(
    Effect.promise(() =>
      connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50, waitOnFirstConnect: true })
    ),
    (open) => Effect.promise(() => open.close())
  )

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Publishes until it is told to stop; what it has an acknowledgement for is in `acknowledged`. */
export class Publisher {
  readonly acknowledged = new Map<string, string>()
  readonly #client: JetStreamClient
  readonly #isPrefixed: () => boolean
  #isOver = false
  #done: Promise<void> = Promise.resolve()

  constructor(client: JetStreamClient, isPrefixed: () => boolean) {
    this.#client = client
    this.#isPrefixed = isPrefixed
  }

  start(pauseMs: number): void {
    this.#done = this.#run(pauseMs)
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#done
  }

  async #run(pauseMs: number): Promise<void> {
    for (let number = 0; !this.#isOver; number += 1) {
      const base = PUBLISHED[number % PUBLISHED.length] ?? ""
      await this.publish(base)
      await pause(pauseMs)
    }
  }

  /** Until it is acknowledged; each try goes where publishers are to send then. */
  async publish(base: string, id: string = randomUUID()): Promise<void> {
    while (true) {
      try {
        const subject = this.#isPrefixed() ? `default.${base}` : base
        await this.#client.publish(subject, id, { msgID: id, timeout: 2_000 })
        this.acknowledged.set(id, base)
        return
      } catch {
        await pause(20)
      }
    }
  }
}

/** Reads at the old and at the new place, and acknowledges. */
class Reader {
  readonly got = new Map<string, number>()
  readonly #connection: NatsConnection
  readonly #manager: JetStreamManager
  readonly #name: ConsumerName
  /** Reads nothing at the new place. */
  isStuck = false
  #isOver = false
  readonly #loops: Array<Promise<void>> = []

  constructor(connection: NatsConnection, manager: JetStreamManager, name: ConsumerName) {
    this.#connection = connection
    this.#manager = manager
    this.#name = name
  }

  #take(payload: string): void {
    this.got.set(payload, (this.got.get(payload) ?? 0) + 1)
  }

  start(): void {
    if (this.#name === "pushed") {
      this.#connection.subscribe("push.here", {
        callback: (_, message) => {
          if (message.reply === undefined || message.reply === "") return
          this.#take(message.string())
          message.respond()
        }
      })
      return
    }
    for (const stream of ["events", "events-default"]) this.#loops.push(this.#read(stream))
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#loops)
  }

  async #read(stream: string): Promise<void> {
    const client = jetstream(this.#connection)
    while (!this.#isOver) {
      try {
        if (stream === "events-default" && this.isStuck) throw new Error("stuck")
        await this.#manager.consumers.info(stream, this.#name)
        const consumer = await client.consumers.get(stream, this.#name)
        for await (const message of await consumer.fetch({ max_messages: 50, expires: 1_000 })) {
          this.#take(message.string())
          message.ack()
        }
      } catch {
        await pause(50)
      }
    }
  }
}

/** What is wrong with what a reader got, short enough to read. */
const faultsOf = (
  name: ConsumerName,
  published: ReadonlyMap<string, string>,
  got: ReadonlyMap<string, number>
): ReadonlyArray<string> => {
  const config = CONSUMERS[name]
  const filters = config.filter_subjects ?? (config.filter_subject === undefined ? [">"] : [config.filter_subject])
  const faults: Array<string> = []
  for (const [id, subject] of published) {
    const wanted = filters.some((filter) => subjectMatches(filter, subject)) ? 1 : 0
    const times = got.get(id) ?? 0
    if (times !== wanted) faults.push(`${name} got ${id} on ${subject} ${times} times instead of ${wanted}`)
  }
  return faults
}

export interface InstallationOptions {
  /** All when absent. */
  readonly consumers?: ReadonlyArray<ConsumerName>
  readonly publishers?: number
  readonly pauseMs?: number
  readonly stored?: number
  /** The old stream drops repeats within this time; short when absent. */
  readonly windowMs?: number
}

/** A server with the stream, its history, its consumers and their readers, and publishers; all ends with the scope. */
export const startInstallation = Effect.fnUntraced(function* (options: InstallationOptions = {}) {
  const server = yield* startNatsServer()
  const open = yield* connection(server)
  const manager = yield* Effect.promise(() => jetstreamManager(open))
  const client = jetstream(open)
  yield* Effect.promise(() =>
    manager.streams.add({
      name: "events",
      subjects: [...SUBJECTS],
      duplicate_window: nanos(options.windowMs ?? WINDOW_MS)
    })
  )
  const names = options.consumers ?? (Object.keys(CONSUMERS) as Array<ConsumerName>)
  for (const name of names) {
    const config = CONSUMERS[name]
    yield* Effect.promise(() => manager.consumers.add("events", { durable_name: name, ...structuredClone(config) }))
  }
  const nats = Nats.layerWith({ servers: [server.url] })
  const tools = yield* Layer.build(
    Layer.mergeAll(JetStreamAdmin.layer, FlagStore.layer(Effect.succeed(open))).pipe(Layer.provideMerge(nats))
  )
  const flags = Context.get(
    yield* Layer.build(
      Flags.layerKv(Effect.succeed(open)).pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({}))))
    ),
    Flags
  )
  const isPrefixed = () => Effect.runSync(flags.get(TENANT_PREFIX_ENABLED))

  const publishers = Array.from({ length: options.publishers ?? 3 }, () => new Publisher(jetstream(open), isPrefixed))
  const [first] = publishers
  for (let number = 0; number < (options.stored ?? 200); number += 1) {
    yield* Effect.promise(async () => first?.publish(PUBLISHED[number % PUBLISHED.length] ?? ""))
  }
  const readers = yield* Effect.forEach(names, (name) =>
    Effect.map(connection(server), (own) => [name, new Reader(own, manager, name)] as const)
  )
  for (const [, reader] of readers) reader.start()
  for (const publisher of publishers) publisher.start(options.pauseMs ?? 5)
  yield* Effect.addFinalizer(() =>
    Effect.promise(() => Promise.all([...publishers.map((one) => one.stop()), ...readers.map(([, one]) => one.stop())]))
  )

  const published = () => new Map(publishers.flatMap(({ acknowledged }) => [...acknowledged]))
  const faults = () => readers.flatMap(([name, reader]) => faultsOf(name, published(), reader.got))

  return {
    server,
    manager,
    client,
    publishers,
    readers: new Map(readers),
    published,
    stopPublishing: Effect.promise(() => Promise.all(publishers.map((one) => one.stop()))),
    /** Waits until each reader has each message that it is to have, once; gives what is wrong when it is not so. */
    settledFaults: Effect.gen(function* () {
      yield* waitUntil(
        "readers have everything",
        Effect.sync(() => faults().length === 0),
        "10 seconds"
      ).pipe(Effect.catchCause(() => Effect.void))
      return faults().slice(0, 5)
    }),
    /** How often each message is in a stream, by id. */
    storedIn: (stream: string) =>
      Effect.promise(async () => {
        const times = new Map<string, number>()
        const { state } = await manager.streams.info(stream)
        if (state.messages === 0) return times
        const ordered = await client.consumers.get(stream)
        for await (const message of await ordered.fetch({ max_messages: state.messages, expires: 10_000 })) {
          times.set(message.string(), (times.get(message.string()) ?? 0) + 1)
        }
        return times
      }),
    plan: Effect.fnUntraced(function* (options: Partial<PlanOptions> = {}) {
      const inspection = yield* inspect({ measureMs: 0 }).pipe(Effect.provideContext(tools))
      return planMigration(inspection, {
        id: "m1",
        mapping: moveAll(names),
        duplicateWindowMs: WINDOW_MS,
        quietMs: 1_000,
        drainMs: 5_000,
        ...options
      })
    }),
    tools
  }
})

export type Installation = Effect.Success<ReturnType<typeof startInstallation>>
