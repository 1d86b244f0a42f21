import { startNatsServer, waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { jetstreamManager } from "@nats-io/jetstream"
import { Effect, Fiber, Stream } from "effect"
import { PREFIX_MODE, TENANT_PREFIX_ENABLED } from "../src/index.ts"
import { acme, logged, open, readerOf, writerOf } from "./fixtures.ts"

const not = Effect.map((on: boolean) => !on)
const everyone = { kind: "everyone" } as const

/** Waits for the connection to say that it is back. */
const reconnected = (connection: { status(): AsyncIterable<{ readonly type: string }> }) =>
  Stream.fromAsyncIterable(connection.status(), String).pipe(
    Stream.filter((status) => status.type === "reconnect"),
    Stream.runHead
  )

describe("nats-server killed and started", () => {
  it.live("keeps the last good values, and follows within a second of the reconnect", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      const reader = yield* readerOf(server)
      const { writer, connection } = yield* writerOf(server)
      const get = reader.flags.get(TENANT_PREFIX_ENABLED)
      yield* writer.set(TENANT_PREFIX_ENABLED, everyone, "on")
      yield* waitUntil("on", get)
      const back = yield* Effect.forkScoped(
        Effect.all([reconnected(reader.connection), reconnected(connection)], { concurrency: "unbounded" }),
        { startImmediately: true }
      )
      yield* server.kill
      assert.isTrue(yield* get)
      yield* server.start
      yield* Fiber.join(back)
      yield* writer.set(TENANT_PREFIX_ENABLED, everyone, "off")
      yield* waitUntil("off", not(get), "1 second")
    })
  )

  it.live("tells of a bad value once, however often it is read again", () =>
    Effect.gen(function* () {
      const log = logged()
      const refusals = () => log.lines.filter((line) => line.includes("is no value of flag")).length
      yield* Effect.gen(function* () {
        const server = yield* startNatsServer()
        const { flags, writer, bucket } = yield* open(server)
        const put = (text: string) => Effect.promise(() => bucket.put("NATS_TENANT_PREFIX_MODE.everyone", text))
        yield* put("both")
        yield* waitUntil(
          "both",
          Effect.map(flags.get(PREFIX_MODE), (mode) => mode === "both")
        )
        yield* put("sideways")
        yield* waitUntil(
          "the refusal",
          Effect.sync(() => refusals() === 1)
        )
        yield* server.kill
        yield* server.start
        yield* writer.set(TENANT_PREFIX_ENABLED, everyone, "on").pipe(Effect.retry({ times: 20 }))
        yield* waitUntil("the bucket is followed again", flags.get(TENANT_PREFIX_ENABLED))
        assert.strictEqual(yield* flags.get(PREFIX_MODE), "both")
        assert.strictEqual(refusals(), 1)
        yield* put("sideways")
        yield* waitUntil(
          "the next refusal",
          Effect.sync(() => refusals() === 2)
        )
      }).pipe(Effect.provide(log.layer))
    })
  )
})

describe("nats-server frozen", () => {
  it.live("keeps the last good values, and follows when it goes on", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      const { flags, writer } = yield* open(server)
      const get = flags.get(TENANT_PREFIX_ENABLED)
      yield* writer.set(TENANT_PREFIX_ENABLED, everyone, "on")
      yield* waitUntil("on", get)
      yield* server.pause
      assert.isTrue(yield* get)
      yield* server.resume
      yield* writer.set(TENANT_PREFIX_ENABLED, everyone, "off").pipe(Effect.retry({ times: 20 }))
      yield* waitUntil("off", not(get))
    })
  )
})

describe("watch's consumer deleted on the server", () => {
  it.live("is replaced", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      const { flags, writer, connection } = yield* open(server)
      const get = flags.get(TENANT_PREFIX_ENABLED)
      yield* writer.set(TENANT_PREFIX_ENABLED, everyone, "on")
      yield* waitUntil("on", get)
      const manager = yield* Effect.promise(() => jetstreamManager(connection))
      const consumers = yield* Effect.promise(() => manager.consumers.list("KV_bulkhead-flags").next())
      assert.lengthOf(consumers, 1)
      for (const { name } of consumers) {
        yield* Effect.promise(() => manager.consumers.delete("KV_bulkhead-flags", name))
      }
      yield* writer.set(TENANT_PREFIX_ENABLED, everyone, "off")
      yield* waitUntil("off", not(get))
    })
  )
})

describe("bucket deleted", () => {
  it.live("keeps the last good values and says so, then follows the one that is made anew", () =>
    Effect.gen(function* () {
      const log = logged()
      yield* Effect.gen(function* () {
        const server = yield* startNatsServer()
        const { flags, writer, bucket } = yield* open(server)
        const get = flags.get(TENANT_PREFIX_ENABLED)
        yield* writer.set(TENANT_PREFIX_ENABLED, everyone, "on")
        yield* waitUntil("on", get)
        yield* Effect.promise(() => bucket.destroy())
        yield* waitUntil(
          "a warning",
          Effect.sync(() => log.lines.some((line) => line.includes("bulkhead-flags")))
        )
        assert.isTrue(yield* get)
        assert.lengthOf(log.lines, 1)
        // The store makes the bucket again.
        yield* writer.set(TENANT_PREFIX_ENABLED, { kind: "tenant", tenant: acme }, "on")
        yield* waitUntil("off for everyone", not(get))
        assert.isTrue(yield* flags.get(TENANT_PREFIX_ENABLED, acme))
      }).pipe(Effect.provide(log.layer))
    })
  )

  it.live("is told apart from one that was deleted and made anew between two looks", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      const { flags, writer, bucket } = yield* open(server)
      const get = flags.get(TENANT_PREFIX_ENABLED)
      yield* writer.set(TENANT_PREFIX_ENABLED, everyone, "on")
      yield* waitUntil("on", get)
      yield* Effect.promise(() => bucket.destroy())
      const again = yield* writerOf(server)
      yield* again.writer.set(TENANT_PREFIX_ENABLED, { kind: "tenant", tenant: acme }, "on")
      yield* waitUntil("off for everyone", not(get))
      assert.isTrue(yield* flags.get(TENANT_PREFIX_ENABLED, acme))
    })
  )
})
