import type { TenantSlug } from "@bulkhead/channels"
import { NatsServer, type RunningNatsServer, startNatsServer, waitUntil } from "@bulkhead/devstack"
import { assert, describe, it, layer } from "@effect/vitest"
import { Kvm } from "@nats-io/kv"
import { connect } from "@nats-io/transport-node"
import { Effect, Fiber, Layer, Stream } from "effect"
import { FlagStore, Flags, PREFIX_MODE, TENANT_PREFIX_ENABLED } from "../src/index.ts"

const acme = "acme" as TenantSlug
const globex = "globex" as TenantSlug

const connectTo = (server: RunningNatsServer) =>
  Effect.acquireRelease(
    Effect.promise(() => connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 })),
    (open) => Effect.promise(() => open.close())
  )

/** A reader and a writer of flags on a server, and the bucket itself. */
const open = Effect.fnUntraced(function* (server: RunningNatsServer) {
  const connection = yield* connectTo(server)
  const writer = yield* Effect.provideContext(
    FlagStore,
    yield* Layer.build(FlagStore.layer(Effect.succeed(connection)))
  )
  const flags = yield* Effect.provideContext(Flags, yield* Layer.build(Flags.layerKv(Effect.succeed(connection))))
  const bucket = yield* Effect.promise(() => new Kvm(connection).open("bulkhead-flags"))
  return { flags, writer, bucket }
})

layer(NatsServer.layer(), { excludeTestServices: true })("the bucket", (it) => {
  it.effect("changes a flag for everyone, for a share and for one tenant, within a second and without a restart", () =>
    Effect.gen(function* () {
      const { flags, writer } = yield* open(yield* NatsServer)
      const get = (tenant?: TenantSlug) => flags.get(TENANT_PREFIX_ENABLED, tenant)
      assert.isFalse(yield* get(acme))
      const began = yield* Effect.sync(() => performance.now())
      yield* writer.set(TENANT_PREFIX_ENABLED, { kind: "everyone" }, "yes")
      yield* waitUntil("on for everyone", get(), "1 second")
      assert.isBelow(performance.now() - began, 1_000)
      yield* writer.set(TENANT_PREFIX_ENABLED, { kind: "tenant", tenant: acme }, "off")
      yield* waitUntil(
        "off for acme",
        Effect.map(get(acme), (on) => !on),
        "1 second"
      )
      assert.isTrue(yield* get(globex))
      yield* writer.set(TENANT_PREFIX_ENABLED, { kind: "rollout", percent: 100 }, "off")
      yield* waitUntil(
        "off for all by rollout",
        Effect.map(get(globex), (on) => !on),
        "1 second"
      )
      assert.isTrue(yield* get())
      yield* writer.unset(TENANT_PREFIX_ENABLED, { kind: "rollout" })
      yield* writer.unset(TENANT_PREFIX_ENABLED, { kind: "tenant", tenant: acme })
      yield* waitUntil("on for acme again", get(acme), "1 second")
    })
  )

  it.effect("keeps the last good value when somebody writes nonsense past the store", () =>
    Effect.gen(function* () {
      const { flags, writer, bucket } = yield* open(yield* NatsServer)
      yield* writer.set(PREFIX_MODE, { kind: "everyone" }, "both")
      yield* waitUntil(
        "both",
        Effect.map(flags.get(PREFIX_MODE), (mode) => mode === "both"),
        "1 second"
      )
      yield* Effect.promise(() => bucket.put("NATS_TENANT_PREFIX_MODE.everyone", "sideways"))
      yield* Effect.promise(() => bucket.put("not a flag of ours".replaceAll(" ", "_"), "x"))
      yield* writer.set(PREFIX_MODE, { kind: "tenant", tenant: acme }, "legacy")
      // The later entry has arrived, so the bad one before it has been judged.
      yield* waitUntil(
        "legacy for acme",
        Effect.map(flags.get(PREFIX_MODE, acme), (mode) => mode === "legacy"),
        "1 second"
      )
      assert.strictEqual(yield* flags.get(PREFIX_MODE), "both")
    })
  )

  it.effect("refuses nonsense in the store with the allowed values", () =>
    Effect.gen(function* () {
      const { writer } = yield* open(yield* NatsServer)
      const error = yield* Effect.flip(writer.set(PREFIX_MODE, { kind: "everyone" }, "sideways"))
      assert.include(error.message, "auto, prefixed, legacy, both")
      const share = yield* Effect.flip(writer.set(TENANT_PREFIX_ENABLED, { kind: "rollout", percent: 120 }, "on"))
      assert.include(share.message, "0 to 100")
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

describe("nats-server killed and started", () => {
  it.live("keeps the last good values and follows again", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      const { flags, writer } = yield* open(server)
      const get = flags.get(TENANT_PREFIX_ENABLED)
      yield* writer.set(TENANT_PREFIX_ENABLED, { kind: "everyone" }, "on")
      yield* waitUntil("on", get)
      yield* server.kill
      assert.isTrue(yield* get)
      yield* server.start
      yield* writer.set(TENANT_PREFIX_ENABLED, { kind: "everyone" }, "off").pipe(Effect.retry({ times: 20 }))
      yield* waitUntil(
        "off",
        Effect.map(get, (on) => !on)
      )
    })
  )
})

describe("bucket deleted and made anew", () => {
  it.live("is followed again, with what the new one says", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      const { flags, writer, bucket } = yield* open(server)
      const get = flags.get(TENANT_PREFIX_ENABLED)
      yield* writer.set(TENANT_PREFIX_ENABLED, { kind: "everyone" }, "on")
      yield* waitUntil("on", get)
      yield* Effect.promise(() => bucket.destroy())
      const again = yield* open(server)
      yield* again.writer.set(TENANT_PREFIX_ENABLED, { kind: "tenant", tenant: acme }, "on")
      yield* waitUntil(
        "off for everyone, on for acme",
        Effect.gen(function* () {
          return !(yield* get) && (yield* flags.get(TENANT_PREFIX_ENABLED, acme))
        })
      )
    })
  )
})
