import type { TenantSlug } from "@bulkhead/channels"
import { NatsServer, startNatsServer, waitUntil } from "@bulkhead/devstack"
import { assert, describe, it, layer } from "@effect/vitest"
import { jetstreamManager } from "@nats-io/jetstream"
import { Duration, Effect, Fiber, Stream } from "effect"
import { PREFIX_MODE, TENANT_PREFIX_ENABLED } from "../src/index.ts"
import { acme, connectTo, globex, logged, open, readerOf, writerOf } from "./fixtures.ts"

const not = Effect.map((on: boolean) => !on)

layer(NatsServer.layer(), { excludeTestServices: true })("the bucket", (it) => {
  it.effect("changes a flag for everyone, for a share and for one tenant, within a second and without a restart", () =>
    Effect.gen(function* () {
      const { flags, writer } = yield* open(yield* NatsServer)
      const get = (tenant?: TenantSlug) => flags.get(TENANT_PREFIX_ENABLED, tenant)
      assert.isFalse(yield* get(acme))
      yield* writer.set(TENANT_PREFIX_ENABLED, { kind: "everyone" }, "yes")
      yield* waitUntil("on for everyone", get(), "1 second")
      yield* writer.set(TENANT_PREFIX_ENABLED, { kind: "tenant", tenant: acme }, "off")
      yield* waitUntil("off for acme", not(get(acme)), "1 second")
      assert.isTrue(yield* get(globex))
      yield* writer.set(TENANT_PREFIX_ENABLED, { kind: "rollout", percent: 100 }, "off")
      yield* waitUntil("off for all by rollout", not(get(globex)), "1 second")
      assert.isTrue(yield* get())
      yield* writer.unset(TENANT_PREFIX_ENABLED, { kind: "rollout" })
      yield* writer.unset(TENANT_PREFIX_ENABLED, { kind: "tenant", tenant: acme })
      yield* waitUntil("on for acme again", get(acme), "1 second")
    })
  )

  it.effect("is read by whoever starts later", () =>
    Effect.gen(function* () {
      const server = yield* NatsServer
      const { writer } = yield* writerOf(server)
      yield* writer.set(TENANT_PREFIX_ENABLED, { kind: "everyone" }, "off")
      yield* writer.set(TENANT_PREFIX_ENABLED, { kind: "tenant", tenant: acme }, "on")
      const { flags } = yield* readerOf(server)
      assert.isTrue(yield* flags.get(TENANT_PREFIX_ENABLED, acme))
      assert.isFalse(yield* flags.get(TENANT_PREFIX_ENABLED, globex))
    })
  )

  it.effect("keeps the last good value for everyone, share and tenant when nonsense is written past the store", () =>
    Effect.gen(function* () {
      const log = logged()
      yield* Effect.gen(function* () {
        const { flags, writer, bucket } = yield* open(yield* NatsServer)
        const put = (key: string, text: string) => Effect.promise(() => bucket.put(key, text))
        yield* writer.set(PREFIX_MODE, { kind: "everyone" }, "both")
        yield* writer.set(PREFIX_MODE, { kind: "tenant", tenant: acme }, "prefixed")
        yield* writer.set(PREFIX_MODE, { kind: "rollout", percent: 100 }, "auto")
        yield* put("NATS_TENANT_PREFIX_MODE.everyone", "sideways")
        yield* put("NATS_TENANT_PREFIX_MODE.tenant.acme", "")
        yield* put("NATS_TENANT_PREFIX_MODE.rollout", "200%:legacy")
        yield* put("NATS_TENANT_PREFIX_MODE.nowhere", "x")
        yield* put("SOMEBODY_ELSES_FLAG.everyone", "x")
        // The later entry has arrived, so the bad ones before it have been judged.
        yield* writer.set(TENANT_PREFIX_ENABLED, { kind: "tenant", tenant: "last" as TenantSlug }, "on")
        yield* waitUntil("the last entry", flags.get(TENANT_PREFIX_ENABLED, "last" as TenantSlug), "1 second")
        assert.strictEqual(yield* flags.get(PREFIX_MODE), "both")
        assert.strictEqual(yield* flags.get(PREFIX_MODE, acme), "prefixed")
        assert.strictEqual(yield* flags.get(PREFIX_MODE, globex), "auto")
      }).pipe(Effect.provide(log.layer))
      assert.lengthOf(log.lines, 3)
      assert.include(log.lines[0], "bucket bulkhead-flags, key NATS_TENANT_PREFIX_MODE.everyone")
      assert.include(log.lines[0], '"sideways" is no value of flag NATS_TENANT_PREFIX_MODE')
      assert.include(log.lines[0], "auto, prefixed, legacy, both")
    })
  )

  it.effect("refuses in the store what readers would refuse, with what is allowed", () =>
    Effect.gen(function* () {
      const { writer } = yield* open(yield* NatsServer)
      const error = yield* Effect.flip(writer.set(PREFIX_MODE, { kind: "everyone" }, "sideways"))
      assert.include(error.message, "auto, prefixed, legacy, both")
      for (const percent of [120, -1, Number.NaN, 100 / 3, 1e-7]) {
        const share = yield* Effect.flip(writer.set(TENANT_PREFIX_ENABLED, { kind: "rollout", percent }, "on"))
        assert.include(share.message, "0 to 100", String(percent))
      }
    })
  )

  it.effect("tells changes as a stream without repeats", () =>
    Effect.gen(function* () {
      const { flags, writer } = yield* open(yield* NatsServer)
      const start = yield* flags.get(TENANT_PREFIX_ENABLED, globex)
      const fiber = yield* flags
        .changes(TENANT_PREFIX_ENABLED, globex)
        .pipe(Stream.take(2), Stream.runCollect, Effect.forkScoped({ startImmediately: true }))
      yield* writer.set(TENANT_PREFIX_ENABLED, { kind: "tenant", tenant: acme }, "on")
      yield* writer.set(TENANT_PREFIX_ENABLED, { kind: "tenant", tenant: globex }, start ? "off" : "on")
      assert.deepStrictEqual(yield* Fiber.join(fiber), [start, !start])
    })
  )
})

describe("a bucket that nobody has made yet", () => {
  it.live("is not waited for, and is followed once it is there", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      const [took, { flags }] = yield* Effect.timed(readerOf(server))
      assert.isBelow(Duration.toMillis(took), 2_000)
      assert.isFalse(yield* flags.get(TENANT_PREFIX_ENABLED))
      const { writer } = yield* writerOf(server)
      yield* writer.set(TENANT_PREFIX_ENABLED, { kind: "everyone" }, "on")
      yield* waitUntil("on", flags.get(TENANT_PREFIX_ENABLED))
    })
  )
})

describe("a bucket whose newest entry was purged", () => {
  it.live("is watched once and not again and again", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      const { writer, connection } = yield* writerOf(server)
      yield* writer.set(TENANT_PREFIX_ENABLED, { kind: "everyone" }, "on")
      yield* writer.set(PREFIX_MODE, { kind: "everyone" }, "both")
      const manager = yield* Effect.promise(() => jetstreamManager(connection))
      const newest = { filter: "$KV.bulkhead-flags.NATS_TENANT_PREFIX_MODE.everyone" }
      yield* Effect.promise(() => manager.streams.purge("KV_bulkhead-flags", newest))
      const observer = yield* connectTo(server)
      let watches = 0
      let checks = 0
      observer.subscribe("$JS.API.CONSUMER.CREATE.KV_bulkhead-flags.>", { callback: () => void watches++ })
      observer.subscribe("$JS.API.STREAM.INFO.KV_bulkhead-flags", { callback: () => void checks++ })
      yield* Effect.promise(() => observer.flush())
      const { flags } = yield* readerOf(server)
      assert.isTrue(yield* flags.get(TENANT_PREFIX_ENABLED))
      yield* waitUntil(
        "the watch was checked three times",
        Effect.sync(() => checks > 3)
      )
      assert.strictEqual(watches, 1)
    })
  )
})
