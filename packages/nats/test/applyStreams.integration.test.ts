import { DEFAULT_TENANT, type PrefixMode } from "@bulkhead/channels"
import { type NatsServerOptions, startNatsServer } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { AckPolicy, RetentionPolicy, StorageType } from "@nats-io/jetstream"
import { Effect, Fiber, Redacted } from "effect"
import {
  type ApplyOptions,
  applyStreams,
  ChangesRefused,
  compareStreams,
  ensureStream,
  fingerprint,
  type Nats,
  openBatchConsumer,
  parseAllowance,
  planStreams,
  READERS,
  type StreamLayout,
  type StreamReader,
  type StreamSettings
} from "../src/index.ts"
import { acme, manager, natsOf, publishNumbered, slug } from "./fixtures.ts"
import { serverVersions } from "./versions.ts"

const versions = await serverVersions()
const globex = slug("globex")
const settings: StreamSettings = { maxBytes: 10_000_000, maxAgeMs: 86_400_000 }
const zen: StreamReader = {
  name: "zen",
  patterns: ["logs.syslog"],
  ownStreams: true,
  sharedStream: "one",
  madeBy: "plan"
}
const ROOM_MB = 100

const planOf = (
  layout: StreamLayout,
  mode: PrefixMode = "prefixed",
  change: Partial<StreamSettings> = {},
  tenants = [DEFAULT_TENANT, acme, globex]
) =>
  planStreams(
    layout,
    tenants.map((one) => ({ slug: one, settings: { ...settings, ...change } })),
    { mode, shared: { ...settings, ...change }, readers: [READERS.eventWriter, zen] }
  )

const allowing = (...risks: ReadonlyArray<string>): ApplyOptions => ({
  allow: risks.map((risk) => parseAllowance(risk) ?? assert.fail(risk))
})

/** Runs a test on a server of its own; users `admin` may do all. */
const on = <A, E>(options: NatsServerOptions, test: Effect.Effect<A, E, Nats>) =>
  Effect.gen(function* () {
    const server = yield* startNatsServer(options)
    return yield* Effect.provide(test, natsOf(server))
  })

const streamNames = Effect.flatMap(manager, (api) =>
  Effect.promise(async () => (await api.streams.list().next()).map(({ config }) => config.name).sort())
)
const infoOf = (name: string) => Effect.flatMap(manager, (api) => Effect.promise(() => api.streams.info(name)))

/** What the refusal says. */
const refusalOf = <A, E, R>(apply: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(apply), (error) => {
    assert.instanceOf(error, ChangesRefused)
    return error as unknown as ChangesRefused
  })

describe.each(versions)("plans on nats-server $name", ({ options, isMissing }) => {
  for (const layout of ["per-tenant", "shared"] as const) {
    it.live.skipIf(isMissing)(`are made, found made, and carry messages, in layout ${layout}`, () =>
      on(
        options,
        Effect.gen(function* () {
          const plan = planOf(layout, "both")
          const made = yield* applyStreams(plan)
          assert.isNotEmpty(made.changes)
          assert.deepStrictEqual((yield* compareStreams(plan)).changes, [])
          assert.deepStrictEqual((yield* applyStreams(plan)).changes, [])
          yield* publishNumbered("acme.events.x", 3)
          yield* publishNumbered("events.x", 2)
          const read = Effect.fnUntraced(function* (stream: string, filterSubjects: ReadonlyArray<string>) {
            const consumer = yield* openBatchConsumer({
              stream,
              durable: "reader",
              filterSubjects,
              afterSequence: 0,
              rowsMax: 10,
              bytesMax: 1_000_000,
              ageMs: 100
            })
            return (yield* consumer.take).map(({ subject }) => subject)
          }, Effect.scoped)
          const streamOf = (tenant: string) => (layout === "shared" ? "events" : `events-${tenant}`)
          assert.deepStrictEqual(yield* read(streamOf("acme"), ["acme.events.>"]), Array(3).fill("acme.events.x"))
          // A filter may name subjects that the stream does not take.
          assert.deepStrictEqual(
            yield* read(streamOf("default"), ["default.events.>", "events.>"]),
            Array(2).fill("events.x")
          )
        })
      )
    )
  }

  it.live.skipIf(isMissing)("change what differs, in streams and consumers, and keep the rest", () =>
    on(
      options,
      Effect.gen(function* () {
        const api = yield* manager
        yield* Effect.promise(() =>
          api.streams.add({ name: "events-acme", subjects: ["acme.>"], description: "old", max_msgs: 5 })
        )
        yield* applyStreams(planOf("per-tenant", "prefixed", {}, [acme]))
        const { config } = yield* infoOf("events-acme")
        assert.deepInclude(config, { description: "old", max_msgs: -1, max_bytes: 10_000_000, discard: "new" })
        const zenBefore = yield* Effect.promise(() => api.consumers.info("events-acme", "zen"))
        assert.deepInclude(zenBefore.config, { ack_policy: AckPolicy.Explicit, filter_subjects: ["acme.logs.syslog"] })
      })
    )
  )

  it.live.skipIf(isMissing)("refuse what costs messages until it is allowed, and then do it", () =>
    on(
      options,
      Effect.gen(function* () {
        yield* applyStreams(planOf("per-tenant", "prefixed", { maxBytes: 1_000_000 }, [acme, globex]))
        yield* publishNumbered("acme.events.x", 20, 1_000)
        yield* publishNumbered("globex.events.x", 2)
        const smaller = planOf("per-tenant", "prefixed", { maxBytes: 5_000 }, [acme])
        const refusal = yield* refusalOf(applyStreams(smaller))
        assert.include(refusal.message, 'messages-dropped of "events-acme"')
        assert.include(refusal.message, 'stream-deleted of "events-globex": 2 messages')
        assert.include(refusal.message, "Nothing was changed")
        yield* refusalOf(applyStreams(smaller, allowing("messages-dropped")))
        yield* refusalOf(applyStreams(smaller, allowing("messages-dropped", "stream-deleted=events-acme")))
        assert.deepStrictEqual(yield* streamNames, ["events-acme", "events-globex"])
        assert.strictEqual((yield* infoOf("events-acme")).config.max_bytes, 1_000_000)
        yield* applyStreams(smaller, allowing("messages-dropped", "stream-deleted=events-globex"))
        assert.deepStrictEqual(yield* streamNames, ["events-acme"])
        assert.strictEqual((yield* infoOf("events-acme")).config.max_bytes, 5_000)
      })
    )
  )

  it.live.skipIf(isMissing)(
    "leave a stream of retention interest behind, and replace one in memory only when allowed",
    () =>
      on(
        options,
        Effect.gen(function* () {
          const api = yield* manager
          const foreign = { subjects: ["acme.events.>"], retention: RetentionPolicy.Interest }
          yield* Effect.promise(() => api.streams.add({ name: "events-acme", ...foreign }))
          const plan = planOf("per-tenant", "prefixed", {}, [acme])
          yield* applyStreams(plan)
          assert.strictEqual((yield* infoOf("events-acme")).config.retention, RetentionPolicy.Limits)
          const inMemory = planOf("per-tenant", "prefixed", { storage: "memory" }, [acme])
          assert.include((yield* refusalOf(applyStreams(inMemory))).message, "stream-replaced")
          yield* applyStreams(inMemory, allowing("stream-replaced"))
          assert.strictEqual((yield* infoOf("events-acme")).config.storage, StorageType.Memory)
          assert.deepStrictEqual((yield* compareStreams(inMemory)).changes, [])
        })
      )
  )

  it.live.skipIf(isMissing)("see a foreign stream in the way before anything is made", () =>
    on(
      options,
      Effect.gen(function* () {
        const api = yield* manager
        yield* Effect.promise(() => api.streams.add({ name: "LEGACY", subjects: ["globex.events.>"] }))
        const refusal = yield* refusalOf(applyStreams(planOf("per-tenant")))
        assert.include(refusal.message, 'stream "LEGACY" takes "globex.events.>"')
        assert.deepStrictEqual(yield* streamNames, ["LEGACY"])
      })
    )
  )

  it.live.skipIf(isMissing)("find out that there is no room on disk before anything is made", () =>
    on(
      {
        ...options,
        config: `accounts { A { jetstream: {max_file: ${ROOM_MB}MB}, users: [{user: a, password: a}] } }\nno_auth_user: a`
      },
      Effect.gen(function* () {
        const refusal = yield* refusalOf(applyStreams(planOf("per-tenant", "prefixed", { maxBytes: 40_000_000 })))
        assert.include(refusal.message, "reserves 120000000 bytes more")
        assert.deepStrictEqual(yield* streamNames, [])
      })
    )
  )
})

describe("applyStreams", () => {
  it.live("tries whether the server's disk has room, where the account has no limit", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      // The server gives a terabyte.
      const refusal = yield* refusalOf(
        applyStreams(planOf("per-tenant", "prefixed", { maxBytes: 5e11 })).pipe(Effect.provide(natsOf(server)))
      )
      assert.include(refusal.message, "no room for 1500000000000 bytes more")
      assert.deepStrictEqual(yield* streamNames.pipe(Effect.provide(natsOf(server))), [])
    })
  )

  it.live("names a missing right before anything is made, where the user may ask for its rights", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer({
        config: `authorization { users: [
          {user: admin, password: p},
          {user: reader, password: p, permissions: {publish: {allow: ["$JS.API.INFO", "$JS.API.STREAM.LIST", "$SYS.REQ.USER.INFO"]}, subscribe: "_INBOX.>"}},
          {user: blind, password: p, permissions: {publish: {allow: ["$JS.API.INFO", "$JS.API.STREAM.LIST", "$JS.API.STREAM.CREATE.events-acme"]}, subscribe: "_INBOX.>"}}
        ] }`
      })
      const as = (user: string) => natsOf(server, { user, password: Redacted.make("p") })
      const plan = {
        ...planOf("per-tenant"),
        streams: planOf("per-tenant").streams.map((one) => ({ ...one, consumers: [] }))
      }
      const refusal = yield* refusalOf(applyStreams(plan).pipe(Effect.provide(as("reader"))))
      assert.include(refusal.message, 'may not publish on "$JS.API.STREAM.CREATE.events-acme", nor on 2 others')
      assert.deepStrictEqual(yield* streamNames.pipe(Effect.provide(as("admin"))), [])
      // One that may not ask finds out by trying, and is told how far it got.
      const error = yield* Effect.flip(applyStreams(plan).pipe(Effect.provide(as("blind"))))
      assert.strictEqual(error._tag, "ChangesInterrupted")
      assert.include(error.message, "1 of 3 changes were made")
      assert.include(error.message, '"$JS.API.STREAM.CREATE.events-default"')
      assert.deepStrictEqual(yield* streamNames.pipe(Effect.provide(as("admin"))), ["events-acme"])
    })
  )

  it.live("changes nothing when the server has become another since the changes were shown", () =>
    on(
      {},
      Effect.gen(function* () {
        const plan = planOf("per-tenant")
        const shown = fingerprint(yield* compareStreams(plan))
        yield* ensureStream(planOf("per-tenant").streams[0] ?? assert.fail())
        assert.include((yield* refusalOf(applyStreams(plan, { shown }))).message, "not as it was")
        assert.deepStrictEqual(yield* streamNames, ["events-acme"])
        yield* applyStreams(plan, { shown: fingerprint(yield* compareStreams(plan)) })
        assert.lengthOf(yield* streamNames, 3)
      })
    )
  )

  it.live("goes on where it was interrupted, and tells of each change", () =>
    on(
      {},
      Effect.gen(function* () {
        const plan = planOf("per-tenant")
        const told: Array<string> = []
        const stopped = yield* applyStreams(plan, {
          onChange: ({ stream }) =>
            Effect.andThen(
              Effect.sync(() => told.push(stream)),
              Effect.never
            )
        }).pipe(Effect.timeout("1 second"), Effect.forkChild)
        yield* Effect.exit(Fiber.join(stopped))
        const rest = yield* applyStreams(plan, { onChange: ({ stream }) => Effect.sync(() => void told.push(stream)) })
        assert.isBelow(rest.changes.length, 6)
        assert.deepStrictEqual((yield* compareStreams(plan)).changes, [])
      })
    )
  )

  it.live("moves from a stream for each tenant to one for all, once their deletion is allowed, and back", () =>
    on(
      {},
      Effect.gen(function* () {
        yield* applyStreams(planOf("per-tenant"))
        yield* applyStreams(planOf("shared"), allowing("stream-deleted"))
        assert.deepStrictEqual(yield* streamNames, ["events"])
        yield* applyStreams(planOf("per-tenant"), allowing("stream-deleted"))
        assert.deepStrictEqual(yield* streamNames, ["events-acme", "events-default", "events-globex"])
      })
    )
  )
})
