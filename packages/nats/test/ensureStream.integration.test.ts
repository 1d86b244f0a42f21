import { NatsServer, waitUntil } from "@bulkhead/devstack"
import { assert, layer } from "@effect/vitest"
import { DiscardPolicy, RetentionPolicy, StorageType } from "@nats-io/jetstream"
import { Effect, Layer } from "effect"
import { ensureStream, Nats, planTenantStream } from "../src/index.ts"
import { acme, manager, publishNumbered } from "./fixtures.ts"

const NatsLive = Layer.unwrap(Effect.map(NatsServer, (server) => Nats.layerWith({ servers: [server.url] }))).pipe(
  Layer.provideMerge(NatsServer.layer())
)

const DAY_MS = 86_400_000

layer(NatsLive, { excludeTestServices: true })("ensureStream", (it) => {
  it.effect("makes the tenant's stream, once, and changes what differs", () =>
    Effect.gen(function* () {
      const planned = planTenantStream({
        tenant: acme,
        mode: "prefixed",
        settings: { maxBytes: 1e6, maxAgeMs: DAY_MS }
      })
      if (planned === undefined) throw new Error("no plan")
      const made = yield* ensureStream(planned)
      assert.strictEqual(made.stream, "events-acme")
      assert.match(made.createdAt, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
      assert.deepStrictEqual(yield* ensureStream(planned), made)
      assert.deepStrictEqual(yield* ensureStream({ ...planned, maxBytes: 2e6, maxAgeMs: 2 * DAY_MS }), made)
      const info = yield* Effect.flatMap(manager, (api) => Effect.promise(() => api.streams.info("events-acme")))
      assert.deepInclude(info.config, {
        max_bytes: 2e6,
        max_age: 2 * DAY_MS * 1e6,
        duplicate_window: 120e9,
        discard: "new",
        storage: "file",
        allow_direct: true
      })
    })
  )

  it.effect("asks for no change of a stream that is as wanted", () =>
    Effect.gen(function* () {
      const wanted = { name: "settled", subjects: ["settled.>"], maxAgeMs: DAY_MS }
      yield* ensureStream(wanted)
      const connection = yield* (yield* Nats).connection
      const asked: Array<string> = []
      connection.subscribe("$JS.API.STREAM.>", { callback: (_, { subject }) => void asked.push(subject) })
      yield* ensureStream(wanted)
      yield* Effect.promise(() => connection.flush())
      assert.deepStrictEqual(asked, ["$JS.API.STREAM.INFO.settled"])
    })
  )

  it.effect("serves platform streams too, and two callers at once", () =>
    Effect.gen(function* () {
      const wanted = { name: "platform", subjects: ["platform.>"], maxAgeMs: 60_000 }
      const [first, second] = yield* Effect.all([ensureStream(wanted), ensureStream(wanted)], { concurrency: 2 })
      assert.deepStrictEqual(first, second)
    })
  )

  it.effect("gives another creation time to a stream that was deleted and made again", () =>
    Effect.gen(function* () {
      const wanted = { name: "twice", subjects: ["twice.>"], maxAgeMs: 0 }
      const first = yield* ensureStream(wanted)
      const api = yield* manager
      yield* Effect.promise(() => api.streams.delete("twice"))
      assert.notStrictEqual((yield* ensureStream(wanted)).createdAt, first.createdAt)
    })
  )

  it.effect("drops no message when the limit becomes smaller than what is stored", () =>
    Effect.gen(function* () {
      const wanted = { name: "shrunk", subjects: ["shrunk.>"], maxAgeMs: 0 }
      yield* ensureStream(wanted)
      yield* publishNumbered("shrunk.a", 100, 1_000)
      yield* ensureStream({ ...wanted, maxBytes: 10_000 })
      const api = yield* manager
      const { state } = yield* Effect.promise(() => api.streams.info("shrunk"))
      assert.strictEqual(state.messages, 100)
    })
  )

  it.effect("drops no message when the age limit becomes shorter than what is stored", () =>
    Effect.gen(function* () {
      const wanted = { name: "aged", subjects: ["aged.>"], maxAgeMs: 600_000 }
      yield* ensureStream(wanted)
      yield* publishNumbered("aged.a", 3)
      const api = yield* manager
      const info = Effect.promise(() => api.streams.info("aged"))
      const { first_ts } = (yield* info).state
      yield* waitUntil(
        "they are older than the new limit",
        Effect.sync(() => Date.now() - Date.parse(first_ts) > 200)
      )
      yield* ensureStream({ ...wanted, maxAgeMs: 200 })
      const { config, state } = yield* info
      assert.deepInclude(config, { max_age: 600_000 * 1e6, duplicate_window: 120_000 * 1e6 })
      assert.strictEqual(state.messages, 3)
      yield* Effect.promise(() => api.streams.purge("aged"))
      yield* ensureStream({ ...wanted, maxAgeMs: 200 })
      assert.strictEqual((yield* info).config.max_age, 200 * 1e6)
    })
  )

  it.effect("refuses a present stream that loses messages by its nature, and keeps it", () =>
    Effect.gen(function* () {
      const api = yield* manager
      const natures = [
        { storage: StorageType.Memory, retention: RetentionPolicy.Limits },
        { storage: StorageType.File, retention: RetentionPolicy.Workqueue }
      ]
      for (const nature of natures) {
        yield* Effect.promise(() => api.streams.add({ name: "foreign", subjects: ["foreign.>"], ...nature }))
        const error = yield* Effect.flip(ensureStream({ name: "foreign", subjects: ["foreign.>"], maxAgeMs: 0 }))
        assert.strictEqual(error.reason._tag, "RequestRefused")
        assert.include(error.message, `storage "${nature.storage}" and retention "${nature.retention}"`)
        assert.isTrue(yield* Effect.promise(() => api.streams.delete("foreign")))
      }
    })
  )

  it.effect("takes back settings by which a present stream loses messages", () =>
    Effect.gen(function* () {
      const api = yield* manager
      const lossy = {
        max_msgs: 2,
        max_msgs_per_subject: 1,
        no_ack: true,
        discard: DiscardPolicy.Old,
        retention: RetentionPolicy.Interest
      }
      yield* Effect.promise(() => api.streams.add({ name: "lossy", subjects: ["lossy.>"], ...lossy }))
      yield* ensureStream({ name: "lossy", subjects: ["lossy.>"], maxAgeMs: 0 })
      yield* publishNumbered("lossy.a", 3)
      const { state } = yield* Effect.promise(() => api.streams.info("lossy"))
      assert.strictEqual(state.messages, 3)
    })
  )

  it.effect("keeps what is stored under a subject that the stream no longer takes", () =>
    Effect.gen(function* () {
      const api = yield* manager
      yield* ensureStream({ name: "moved", subjects: ["moved.a", "moved.b"], maxAgeMs: 0 })
      yield* publishNumbered("moved.b", 3)
      yield* ensureStream({ name: "moved", subjects: ["moved.a"], maxAgeMs: 0 })
      const { state } = yield* Effect.promise(() => api.streams.info("moved"))
      assert.strictEqual(state.messages, 3)
    })
  )

  it.effect("asks for as many copies as wanted: one server alone refuses three", () =>
    Effect.gen(function* () {
      const wanted = { name: "copies", subjects: ["copies.>"], maxAgeMs: 0 }
      const error = yield* Effect.flip(ensureStream({ ...wanted, replicas: 3 }))
      assert.strictEqual(error.reason._tag, "RequestRefused")
      assert.include(error.message, "replicas > 1 not supported")
      yield* ensureStream({ ...wanted, replicas: 1 })
      yield* ensureStream(wanted)
    })
  )

  it.effect("names the conflict when another stream has the subjects", () =>
    Effect.gen(function* () {
      yield* ensureStream({ name: "owner", subjects: ["contested.>"], maxAgeMs: 0 })
      const error = yield* Effect.flip(ensureStream({ name: "intruder", subjects: ["contested.a"], maxAgeMs: 0 }))
      assert.strictEqual(error.reason._tag, "RequestRefused")
      assert.isFalse(error.isRetryable)
      assert.include(error.message, 'stream "intruder"')
      assert.include(error.message, "overlap")
    })
  )
})
