import { NatsServer, startNatsServer, waitUntil } from "@bulkhead/devstack"
import { assert, describe, it, layer } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, Redacted } from "effect"
import {
  type BatchConsumer,
  ensureStream,
  Nats,
  openBatchConsumer,
  type StreamMessage,
  sequenceBefore
} from "../src/index.ts"
import { manager, natsOf, publishNumbered, text } from "./fixtures.ts"

const NatsLive = Layer.unwrap(Effect.map(NatsServer, (server) => Nats.layerWith({ servers: [server.url] }))).pipe(
  Layer.provideMerge(NatsServer.layer())
)

const limits = { rowsMax: 100, bytesMax: 1_000_000, ageMs: 50 }

/** A stream of its own for a test, with numbered messages of `sizeBytes`. */
const streamOf = (name: string, count: number, sizeBytes = 0) =>
  Effect.gen(function* () {
    yield* ensureStream({ name, subjects: [`${name}.>`], maxAgeMs: 0 })
    yield* publishNumbered(`${name}.a`, count, sizeBytes)
    return { stream: name, durable: "reader", afterSequence: 0, ...limits }
  })

const takeUntil = (consumer: BatchConsumer, lastSequence: number) =>
  Effect.gen(function* () {
    const batches: Array<ReadonlyArray<StreamMessage>> = []
    while ((batches.at(-1)?.at(-1)?.sequence ?? 0) < lastSequence) batches.push(yield* consumer.take)
    return batches
  })

const sequencesOf = (batches: ReadonlyArray<ReadonlyArray<StreamMessage>>) =>
  batches.flat().map((message) => message.sequence)

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

layer(NatsLive, { excludeTestServices: true })("openBatchConsumer", (it) => {
  it.effect("gives every message once, in order, in batches of at most the rows", () =>
    Effect.gen(function* () {
      const consumer = yield* openBatchConsumer(yield* streamOf("rows", 1_050))
      const batches = yield* takeUntil(consumer, 1_050)
      assert.deepStrictEqual(sequencesOf(batches), range(1, 1_050))
      assert.isTrue(batches.slice(0, 10).every((batch) => batch.length === 100))
      assert.deepStrictEqual(
        batches.flat().map((message) => Number(text(message.data))),
        range(0, 1_049)
      )
    })
  )

  it.effect("asks, over all readers of a connection, for less than the server holds for a client", () =>
    Effect.gen(function* () {
      const READERS = 50
      const options = { ...(yield* streamOf("crowd", 200, 10_000)), rowsMax: 2_000, bytesMax: 8_000_000 }
      const connection = yield* (yield* Nats).connection
      const open = new Map<string, number>()
      let most = 0
      const observer = connection.subscribe("$JS.API.CONSUMER.MSG.NEXT.crowd.*", {
        callback: (_, message) => {
          open.set(message.subject, message.json<{ max_bytes: number }>().max_bytes)
          most = Math.max(
            most,
            open.values().reduce((sum, bytes) => sum + bytes, 0)
          )
        }
      })
      yield* Effect.forEach(
        Array.from({ length: READERS }, (_, reader) => `reader-${reader}`),
        (durable) =>
          Effect.gen(function* () {
            const consumer = yield* openBatchConsumer({ ...options, durable })
            assert.deepStrictEqual(sequencesOf(yield* takeUntil(consumer, 200)), range(1, 200))
          }),
        { concurrency: "unbounded", discard: true }
      )
      observer.unsubscribe()
      assert.strictEqual(open.size, READERS)
      assert.isAtMost(most, 48 * 1024 * 1024)
      // Each asked for more than its first little once it knew of more.
      assert.isAbove(most, READERS * 262_144)
    })
  )

  it.effect("gives subject, headers and the time of storing", () =>
    Effect.gen(function* () {
      const options = yield* streamOf("fields", 0)
      const connection = yield* (yield* Nats).connection
      const { headers } = yield* Effect.promise(() => import("@nats-io/nats-core"))
      const head = headers()
      head.set("X-Kind", "test")
      const before = Date.now()
      yield* Effect.promise(() => connection.request("fields.b", "hello", { headers: head, timeout: 5_000 }))
      const consumer = yield* openBatchConsumer(options)
      const [message] = yield* consumer.take
      assert.strictEqual(message?.subject, "fields.b")
      assert.deepStrictEqual(message?.headers, { "X-Kind": "test" })
      assert.isAtMost(Math.abs((message?.timestamp.getTime() ?? 0) - before), 1_000)
    })
  )

  it.effect("closes a batch by bytes, and gives a message alone that is larger than a batch", () =>
    Effect.gen(function* () {
      const options = yield* streamOf("sizes", 20, 1_000)
      yield* publishNumbered("sizes.a", 1, 50_000)
      yield* publishNumbered("sizes.a", 5, 1_000)
      const consumer = yield* openBatchConsumer({ ...options, bytesMax: 10_000 })
      const batches = yield* takeUntil(consumer, 26)
      assert.deepStrictEqual(sequencesOf(batches), range(1, 26))
      for (const batch of batches) {
        const bytes = batch.reduce((sum, message) => sum + message.data.length, 0)
        assert.isTrue(bytes <= 10_000 || batch.length === 1, `${batch.length} messages of ${bytes} bytes`)
      }
    })
  )

  it.effect("goes on without a pause when messages fill a request to its last byte", () =>
    Effect.gen(function* () {
      const options = yield* streamOf("exact", 400, 1_000)
      // What the server counts, for the messages in the middle, where all numbers have three digits.
      const reply = "$JS.ACK.exact.reader.1.200.200.1700000000000000000.200"
      const bytesMax = 9 * ("exact.a".length + reply.length + 1_000)
      const consumer = yield* openBatchConsumer({ ...options, bytesMax, rowsMax: 50 })
      const [duration, batches] = yield* Effect.timed(takeUntil(consumer, 400))
      assert.deepStrictEqual(sequencesOf(batches), range(1, 400))
      assert.isBelow(Duration.toMillis(duration), 2_000)
    })
  )

  it.effect("closes a batch by age, counted from its first message", () =>
    Effect.gen(function* () {
      const consumer = yield* openBatchConsumer({ ...(yield* streamOf("age", 0)), ageMs: 200 })
      const taking = yield* Effect.forkChild(consumer.take, { startImmediately: true })
      yield* publishNumbered("age.a", 3)
      const [duration, batch] = yield* Effect.timed(Fiber.join(taking))
      assert.lengthOf(batch, 3)
      assert.isBelow(Duration.toMillis(duration), 1_000)
    })
  )

  it.effect("closes no batch by age while it is held, and a full one all the same", () =>
    Effect.gen(function* () {
      const consumer = yield* openBatchConsumer({ ...(yield* streamOf("held", 3)), ageMs: 1 })
      consumer.hold(true)
      const taking = yield* Effect.forkChild(consumer.take, { startImmediately: true })
      yield* waitUntil(
        "all three have arrived",
        Effect.map(consumer.lagSeen, ({ messages, oldestAgeMs = 0 }) => messages === 3 && oldestAgeMs > 20)
      )
      assert.isUndefined(taking.pollUnsafe())
      yield* publishNumbered("held.a", limits.rowsMax)
      assert.lengthOf(yield* Fiber.join(taking), limits.rowsMax)
      const rest = yield* Effect.forkChild(consumer.take, { startImmediately: true })
      consumer.hold(false)
      assert.lengthOf(yield* Fiber.join(rest), 3)
    })
  )

  it.effect("begins after the given sequence, as often as it is opened, whatever was acknowledged", () =>
    Effect.gen(function* () {
      const options = yield* streamOf("seat", 500)
      for (const afterSequence of [0, 250, 100, 499]) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const consumer = yield* openBatchConsumer({ ...options, afterSequence })
            const [first] = yield* consumer.take
            assert.strictEqual(first?.sequence, afterSequence + 1)
            yield* consumer.ackThrough(500)
          })
        )
      }
    })
  )

  it.effect("reads only the subjects it filters by", () =>
    Effect.gen(function* () {
      const options = yield* streamOf("filter", 3)
      yield* publishNumbered("filter.b.x", 2)
      yield* publishNumbered("filter.c", 2)
      const consumer = yield* openBatchConsumer({ ...options, filterSubjects: ["filter.b.>", "filter.c"] })
      assert.deepStrictEqual(sequencesOf(yield* takeUntil(consumer, 7)), [4, 5, 6, 7])
    })
  )

  it.effect("fetches the next batch while the last one is in work, and no more than two", () =>
    Effect.gen(function* () {
      const options = yield* streamOf("ahead", 1_000)
      const consumer = yield* openBatchConsumer(options)
      yield* consumer.take
      const api = yield* manager
      const delivered = Effect.promise(() => api.consumers.info("ahead", "reader")).pipe(
        Effect.map((info) => info.delivered.stream_seq)
      )
      yield* waitUntil(
        "a batch waits",
        Effect.map(delivered, (sequence) => sequence >= 200)
      )
      assert.isAtMost(yield* delivered, 300)
    })
  )

  it.effect("loses nothing when a take is interrupted", () =>
    Effect.gen(function* () {
      const consumer = yield* openBatchConsumer({ ...(yield* streamOf("interrupted", 0)), ageMs: 100 })
      yield* Effect.timeoutOption(consumer.take, "20 millis")
      yield* publishNumbered("interrupted.a", 10)
      yield* Effect.timeoutOption(consumer.take, "20 millis")
      assert.deepStrictEqual(sequencesOf(yield* takeUntil(consumer, 10)), range(1, 10))
    })
  )

  it.effect("shows how far it is behind, and acknowledges whole batches", () =>
    Effect.gen(function* () {
      const consumer = yield* openBatchConsumer(yield* streamOf("lag", 250))
      assert.strictEqual((yield* consumer.lag).messages, 250)
      const first = yield* consumer.take
      yield* consumer.take
      assert.isAtLeast((yield* consumer.lag).oldestAgeMs ?? -1, 0)
      const lagIs = (messages: number) =>
        Effect.repeat(consumer.lag, { until: (lag) => lag.messages === messages }).pipe(Effect.timeout("5 seconds"))
      yield* consumer.ackThrough((first.at(-1)?.sequence ?? 0) + 1)
      yield* lagIs(150)
      assert.deepInclude(yield* consumer.lagSeen, { messages: 150 })
      yield* consumer.take
      yield* consumer.ackThrough(250)
      assert.isUndefined((yield* lagIs(0)).oldestAgeMs)
      assert.deepStrictEqual(yield* consumer.lagSeen, { messages: 0, oldestAgeMs: undefined })
    })
  )

  it.effect("fails with SourceMissing without a stream", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        openBatchConsumer({ stream: "nowhere", durable: "reader", afterSequence: 0, ...limits })
      )
      assert.strictEqual(error.reason._tag, "SourceMissing")
      assert.isTrue(error.isRetryable)
    })
  )
})

describe("rights", () => {
  it.live("the ones that the README names are enough to make a stream, to look into it and to read it", () =>
    Effect.gen(function* () {
      const rights = [
        "$JS.API.STREAM.INFO.s",
        "$JS.API.STREAM.CREATE.s",
        "$JS.API.STREAM.UPDATE.s",
        "$JS.API.DIRECT.GET.s",
        "$JS.API.CONSUMER.CREATE.s.reader",
        "$JS.API.CONSUMER.DURABLE.CREATE.s.reader",
        "$JS.API.CONSUMER.DELETE.s.reader",
        "$JS.API.CONSUMER.INFO.s.reader",
        "$JS.API.CONSUMER.MSG.NEXT.s.reader",
        "$JS.ACK.s.reader.>",
        "s.>"
      ]
      const server = yield* startNatsServer({
        config: `authorization { users: [{ user: reader, password: r, permissions: {
          publish: ${JSON.stringify(rights)}, subscribe: ["_INBOX_reader.>"] } }] }`
      })
      yield* Effect.gen(function* () {
        const options = yield* streamOf("s", 5)
        yield* ensureStream({ name: "s", subjects: ["s.>"], maxAgeMs: 60_000 })
        assert.strictEqual(yield* sequenceBefore("s", new Date(0)), 0)
        assert.strictEqual(yield* sequenceBefore("s", new Date(Date.now() + 60_000)), 5)
        for (const filters of [{}, { filterSubjects: ["s.a", "s.b"] }]) {
          yield* Effect.scoped(
            Effect.gen(function* () {
              const consumer = yield* openBatchConsumer({ ...options, ...filters })
              yield* takeUntil(consumer, 5)
              yield* consumer.ackThrough(5)
              yield* Effect.repeat(consumer.lag, { until: (lag) => lag.messages === 0 })
            })
          )
        }
      }).pipe(
        Effect.timeout("5 seconds"),
        Effect.provide(natsOf(server, { user: "reader", password: Redacted.make("r"), inboxPrefix: "_INBOX_reader" }))
      )
    })
  )
})
