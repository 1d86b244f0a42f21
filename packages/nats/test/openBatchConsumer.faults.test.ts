import { type RunningNatsServer, startNatsServer, waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Redacted, type Scope } from "effect"
import { ConsumeError, type ConsumeReason, ensureStream, Nats, openBatchConsumer } from "../src/index.ts"
import { manager, natsOf, publishNumbered } from "./fixtures.ts"

const options = {
  stream: "s",
  durable: "reader",
  afterSequence: 0,
  rowsMax: 100,
  bytesMax: 1_000_000,
  ageMs: 20,
  heartbeatMs: 300
}

const stream = { name: "s", subjects: ["s.>"], maxAgeMs: 0 }

/** A waiting `take`, then `fault`: gives the reason for which it failed. */
const failsOn = <E, R>(fault: Effect.Effect<unknown, E, R>) =>
  Effect.gen(function* () {
    const consumer = yield* openBatchConsumer(options)
    yield* publishNumbered("s.a", 1)
    yield* consumer.take
    const taking = yield* Effect.forkChild(Effect.flip(consumer.take), { startImmediately: true })
    yield* fault
    const error = yield* Fiber.join(taking).pipe(Effect.timeout("10 seconds"))
    assert.isTrue(error.isRetryable)
    assert.strictEqual((yield* Effect.flip(consumer.take)).reason._tag, error.reason._tag, "it stays failed")
    assert.strictEqual((yield* Effect.flip(consumer.ackThrough(1))).reason._tag, error.reason._tag)
    return error.reason._tag
  })

const withServer = <A, E>(use: (server: RunningNatsServer) => Effect.Effect<A, E, Nats | Scope.Scope>) =>
  Effect.gen(function* () {
    const server = yield* startNatsServer()
    return yield* Effect.andThen(ensureStream(stream), use(server)).pipe(Effect.provide(natsOf(server)))
  })

const isTag = (expected: ConsumeReason["_tag"]) => (tag: ConsumeReason["_tag"]) =>
  Effect.sync(() => assert.strictEqual(tag, expected))

describe("BatchConsumer", () => {
  describe("server killed and started again", () => {
    it.live("fails, and opened again goes on after what its reader had done", () =>
      withServer((server) =>
        Effect.gen(function* () {
          yield* publishNumbered("s.a", 5_000)
          const seen: Array<number> = []
          const read = (afterSequence: number) =>
            Effect.scoped(
              Effect.gen(function* () {
                const consumer = yield* openBatchConsumer({ ...options, afterSequence })
                for (;;) {
                  for (const message of yield* consumer.take) seen.push(message.sequence)
                  if (seen.length >= 5_000) return
                  if (seen.length === 2_000) yield* Effect.andThen(server.kill, server.start)
                }
              })
            )
          const error = yield* Effect.flip(read(0))
          assert.instanceOf(error, ConsumeError)
          assert.strictEqual((error as ConsumeError).reason._tag, "ConnectionLost")
          yield* read(seen.length)
          assert.deepStrictEqual(
            seen,
            seen.map((_, index) => index + 1)
          )
          assert.lengthOf(seen, 5_000)
        })
      )
    )

    it.live("fails while it waits", () =>
      withServer((server) =>
        failsOn(Effect.andThen(server.kill, server.start)).pipe(Effect.flatMap(isTag("ConnectionLost")))
      )
    )
  })

  describe("server frozen", () => {
    it.live("fails when heartbeats stay away", () =>
      withServer((server) =>
        failsOn(server.pause).pipe(Effect.flatMap(isTag("ServerSilent")), Effect.ensuring(server.resume))
      )
    )
  })

  describe("connection gone", () => {
    it.live("cannot be opened, and says so, while there is no connection", () =>
      withServer((server) =>
        Effect.gen(function* () {
          const nats = yield* Nats
          yield* server.stop
          yield* waitUntil(
            "the connection is seen as lost",
            Effect.map(nats.isConnected, (up) => !up)
          )
          const error = yield* Effect.flip(openBatchConsumer(options))
          assert.strictEqual(error.reason._tag, "ConnectionLost")
          assert.include(error.message, "not connected within 5 seconds")
          yield* server.start
        })
      )
    )
  })

  describe("consumer deleted", () => {
    it.live("fails while it waits", () =>
      withServer(() =>
        failsOn(Effect.flatMap(manager, (api) => Effect.promise(() => api.consumers.delete("s", "reader")))).pipe(
          Effect.flatMap(isTag("ConsumerDeleted"))
        )
      )
    )

    it.live("fails for all but one when several readers open it at the same moment, and each may try again", () =>
      withServer(() =>
        Effect.gen(function* () {
          const open = Effect.exit(openBatchConsumer(options))
          const exits = yield* Effect.all([open, open, open, open], { concurrency: "unbounded" })
          const failures = exits.filter(Exit.isFailure).map((exit) => Cause.squash(exit.cause))
          assert.isBelow(failures.length, exits.length)
          for (const failure of failures) {
            assert.instanceOf(failure, ConsumeError)
            assert.strictEqual((failure as ConsumeError).reason._tag, "ConsumerDeleted")
            assert.isTrue((failure as ConsumeError).isRetryable)
          }
        })
      )
    )

    it.live("fails when a second reader opens it for itself, and the second one goes on", () =>
      withServer(() =>
        Effect.gen(function* () {
          const first = yield* openBatchConsumer(options)
          yield* publishNumbered("s.a", 1)
          yield* first.take
          const taking = yield* Effect.forkChild(Effect.flip(first.take), { startImmediately: true })
          const second = yield* openBatchConsumer(options)
          const error = yield* Fiber.join(taking)
          assert.strictEqual(error.reason._tag, "ConsumerDeleted")
          assert.lengthOf(yield* second.take, 1)
        })
      )
    )
  })

  describe("stream deleted", () => {
    it.live("fails while it waits, and cannot be opened again", () =>
      withServer(() =>
        Effect.gen(function* () {
          const tag = yield* failsOn(Effect.flatMap(manager, (api) => Effect.promise(() => api.streams.delete("s"))))
          assert.include(["SourceMissing", "ConsumerDeleted"], tag)
          assert.strictEqual((yield* Effect.flip(openBatchConsumer(options))).reason._tag, "SourceMissing")
        })
      )
    )
  })

  describe("two readers pull from one consumer", () => {
    it.live("fails, because deliveries are missing", () =>
      withServer(() =>
        Effect.gen(function* () {
          const consumer = yield* openBatchConsumer(options)
          const connection = yield* (yield* Nats).connection
          connection.subscribe("thief")
          connection.publish("$JS.API.CONSUMER.MSG.NEXT.s.reader", '{"batch":100,"expires":5000000000}', {
            reply: "thief"
          })
          yield* publishNumbered("s.a", 50)
          const error = yield* Effect.flip(Effect.forever(consumer.take))
          assert.strictEqual(error.reason._tag, "DeliveryGap")
        })
      )
    )
  })

  describe("a right is missing", () => {
    it.live("is refused and not retryable", () =>
      Effect.gen(function* () {
        const server = yield* startNatsServer({
          config: `authorization { users: [
            { user: admin, password: a }
            { user: reader, password: r, permissions: { publish: ["$JS.API.CONSUMER.DELETE.>", "$JS.API.CONSUMER.CREATE.>"] } }
          ] }`
        })
        const as = (user: string) => natsOf(server, { user, password: Redacted.make(user.charAt(0)) })
        yield* ensureStream(stream).pipe(Effect.provide(as("admin")))
        yield* Effect.gen(function* () {
          const consumer = yield* openBatchConsumer(options)
          const error = yield* Effect.flip(consumer.take)
          assert.strictEqual(error.reason._tag, "ConsumerRefused")
          assert.isFalse(error.isRetryable)
          assert.include(error.message, "CONSUMER.MSG.NEXT.s.reader")
        }).pipe(Effect.timeout("5 seconds"), Effect.provide(as("reader")))
      })
    )
  })
})
