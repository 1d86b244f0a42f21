import { startNatsServer, waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Option } from "effect"
import { EventPublisher, ensureStream, Nats } from "../src/index.ts"
import { acme, bytes, manager, publisherOf } from "./fixtures.ts"

const acmeStream = { name: "events-acme", subjects: ["acme.events.>"], maxAgeMs: 0 }

const publishNumbers = (from: number, to: number) =>
  Effect.gen(function* () {
    const publisher = yield* EventPublisher
    return yield* Effect.forEach(
      Array.from({ length: to - from }, (_, index) => from + index),
      (number) => publisher.publishWithTenant(acme, "events.a", bytes(`${number}`), { messageId: `${number}` }),
      { concurrency: 200 }
    )
  })

const storedIds = Effect.gen(function* () {
  const api = yield* manager
  const { state } = yield* Effect.promise(() => api.streams.info("events-acme"))
  const ids: Array<string> = []
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const stored = yield* Effect.promise(() => api.direct.getMessage("events-acme", { seq }))
    ids.push(stored?.header.get("Nats-Msg-Id") ?? "")
  }
  return ids
})

const isConnected = Effect.flatMap(Nats, (nats) => nats.isConnected)

describe("EventPublisher", () => {
  describe("server away", () => {
    it.live("holds messages back while it is stopped and delivers them when it is there again", () =>
      Effect.gen(function* () {
        const server = yield* startNatsServer()
        yield* Effect.gen(function* () {
          yield* ensureStream(acmeStream)
          yield* server.stop
          yield* waitUntil(
            "the connection is seen as lost",
            Effect.map(isConnected, (up) => !up)
          )
          const publishing = yield* Effect.forkChild(publishNumbers(0, 50), { startImmediately: true })
          yield* server.start
          const acks = yield* Fiber.join(publishing)
          assert.lengthOf(new Set(acks.map((ack) => ack.sequence)), 50)
          assert.isTrue(
            acks.every((ack) => !ack.duplicate),
            "nothing was sent twice"
          )
        }).pipe(Effect.provide(publisherOf(server)))
      })
    )

    it.live("gives up after the delivery timeout and says that NATS is away", () =>
      Effect.gen(function* () {
        const server = yield* startNatsServer()
        yield* Effect.gen(function* () {
          yield* ensureStream(acmeStream)
          yield* server.stop
          yield* waitUntil(
            "the connection is seen as lost",
            Effect.map(isConnected, (up) => !up)
          )
          const error = yield* Effect.flip(publishNumbers(0, 1))
          assert.strictEqual(error.reason._tag, "PublishTimeout")
          assert.include(error.message, "NATS is away")
          yield* server.start
        }).pipe(Effect.provide(publisherOf(server, { deliveryTimeoutMs: 300 })))
      })
    )
  })

  describe("server away and more messages than fit in flight", () => {
    it.live("gives up on each after the delivery timeout, also on those that still wait for room", () =>
      Effect.gen(function* () {
        const server = yield* startNatsServer()
        yield* Effect.gen(function* () {
          yield* server.stop
          yield* waitUntil(
            "the connection is seen as lost",
            Effect.map(isConnected, (up) => !up)
          )
          const publisher = yield* EventPublisher
          const [duration, errors] = yield* Effect.timed(
            Effect.forEach(
              Array.from({ length: 20 }),
              () => Effect.flip(publisher.publishWithTenant(acme, "events.a", bytes("x"))),
              { concurrency: "unbounded" }
            )
          )
          assert.isTrue(errors.every((error) => error.reason._tag === "PublishTimeout"))
          assert.isBelow(Duration.toMillis(duration), 3_000, "ten windows of 500 ms would be 5 s")
        }).pipe(Effect.provide(publisherOf(server, { inFlightMax: 2, deliveryTimeoutMs: 500 })))
      })
    )
  })

  describe("large messages", () => {
    it.live("do not pile up in memory: their bytes in flight are bounded", () =>
      Effect.gen(function* () {
        const server = yield* startNatsServer()
        yield* Effect.gen(function* () {
          yield* ensureStream(acmeStream)
          const publisher = yield* EventPublisher
          const connection = yield* (yield* Nats).connection
          const sent = connection.stats().outMsgs
          yield* server.pause
          const publishing = yield* Effect.forkChild(
            Effect.forEach(
              Array.from({ length: 20 }),
              () => publisher.publishWithTenant(acme, "events.a", new Uint8Array(100_000)),
              { concurrency: "unbounded" }
            ),
            { startImmediately: true }
          )
          assert.strictEqual(connection.stats().outMsgs - sent, 2, "250 kB hold two messages of 100 kB")
          yield* server.resume
          assert.lengthOf(yield* Fiber.join(publishing), 20)
        }).pipe(Effect.provide(publisherOf(server, { inFlightBytesMax: 250_000 })))
      })
    )
  })

  describe("server killed in a burst", () => {
    it.live("stores every message exactly once", () =>
      Effect.gen(function* () {
        const server = yield* startNatsServer()
        yield* Effect.gen(function* () {
          yield* ensureStream(acmeStream)
          const count = 10_000
          const publishing = yield* Effect.forkChild(publishNumbers(0, count), { startImmediately: true })
          const api = yield* manager
          const hasStored = (messages: number) =>
            Effect.tryPromise(() => api.streams.info("events-acme")).pipe(
              Effect.map(({ state }) => state.messages >= messages)
            )
          yield* waitUntil("some are stored", hasStored(1_000))
          yield* server.kill
          yield* server.start
          yield* waitUntil("more are stored", hasStored(4_000))
          yield* server.kill
          yield* server.start
          const acks = yield* Fiber.join(publishing)
          assert.lengthOf(acks, count)
          const ids = yield* storedIds
          assert.lengthOf(ids, count)
          assert.lengthOf(new Set(ids), count)
        }).pipe(Effect.provide(publisherOf(server, { ackTimeoutMs: 1_000 })))
      })
    )
  })

  describe("server frozen", () => {
    it.live("repeats what was not acknowledged, and the stream stores it once", () =>
      Effect.gen(function* () {
        const server = yield* startNatsServer()
        yield* Effect.gen(function* () {
          yield* ensureStream(acmeStream)
          yield* server.pause
          const connection = yield* (yield* Nats).connection
          const answers = Effect.timeoutOption(
            Effect.promise(() => connection.flush()),
            "100 millis"
          )
          yield* waitUntil("the server answers no more", Effect.map(answers, Option.isNone))
          const publishing = yield* Effect.forkChild(publishNumbers(0, 10), { startImmediately: true })
          const sent = connection.stats().outMsgs
          yield* waitUntil(
            "each is sent again",
            Effect.sync(() => connection.stats().outMsgs >= sent + 20)
          )
          yield* server.resume
          yield* Fiber.join(publishing)
          assert.sameMembers(
            yield* storedIds,
            Array.from({ length: 10 }, (_, index) => `${index}`)
          )
        }).pipe(Effect.provide(publisherOf(server, { ackTimeoutMs: 200 })))
      })
    )
  })

  describe("one tenant's stream is full", () => {
    it.live("does not hold up another tenant", () =>
      Effect.gen(function* () {
        const server = yield* startNatsServer()
        yield* Effect.gen(function* () {
          yield* ensureStream({ ...acmeStream, maxBytes: 1_000 })
          yield* ensureStream({ name: "events-default", subjects: ["default.events.>"], maxAgeMs: 0 })
          const publisher = yield* EventPublisher
          const publishTo = (tenant: typeof acme) =>
            publisher.publishWithTenant(tenant, "events.a", new Uint8Array(2_000))
          const stuck = yield* Effect.forkChild(
            Effect.forEach(Array.from({ length: 50 }), () => Effect.flip(publishTo(acme)), {
              concurrency: "unbounded"
            }),
            { startImmediately: true }
          )
          const ack = yield* publishTo("default" as typeof acme).pipe(Effect.timeout("1 second"))
          assert.strictEqual(ack.stream, "events-default")
          const errors = yield* Fiber.join(stuck)
          assert.isTrue(errors.every((error) => error.reason._tag === "StreamFull"))
        }).pipe(Effect.provide(publisherOf(server, { inFlightMax: 5, deliveryTimeoutMs: 3_000 })))
      })
    )
  })
})
