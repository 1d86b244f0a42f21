import type { TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { FlagStore, PREFIX_MODE, TENANT_PREFIX_ENABLED } from "@bulkhead/flags"
import { assert, describe, it } from "@effect/vitest"
import { connect } from "@nats-io/transport-node"
import { Effect, Layer } from "effect"
import { startCore } from "../testing/coreHarness.ts"
import { ocsfEvent } from "../testing/events.ts"

const startWithAcme = Effect.fnUntraced(function* (environment: Record<string, string>) {
  const core = yield* startCore(environment)
  yield* core.api.tenants.create({ payload: { slug: "acme" as TenantSlug, name: "Acme", plan: "free" } })
  return core
})

const owners = (core: Effect.Success<ReturnType<typeof startCore>>, tenant: string) =>
  Effect.map(core.stored(tenant), (rows) => rows.map(({ owner }) => owner))

describe("prefix mode", () => {
  it.live("legacy, the default: what is published for a customer goes unprefixed, to tenant default", () =>
    Effect.gen(function* () {
      const core = yield* startWithAcme({ NATS_TENANT_PREFIX_ENABLED: "false" })
      const ack = yield* core.publish("acme", "events.poller.health", ocsfEvent("acme", 0))
      assert.strictEqual(ack.stream, "events-default")
      yield* core.awaitStored("default", 1)
      assert.deepStrictEqual(yield* owners(core, "acme"), [])
    })
  )

  it.live("both: unprefixed messages are default's, prefixed ones the tenant's", () =>
    Effect.gen(function* () {
      const core = yield* startWithAcme({ NATS_TENANT_PREFIX_ENABLED: "true", NATS_TENANT_PREFIX_MODE: "both" })
      const old = yield* Effect.acquireRelease(
        Effect.promise(() => connect({ servers: core.nats.url })),
        (open) => Effect.promise(() => open.close())
      )
      yield* core.publish("acme", "events.poller.health", ocsfEvent("acme", 0))
      // A collector that knows nothing of tenants, and one that says default itself.
      yield* Effect.promise(() => old.request("events.poller.health", ocsfEvent("old", 1)))
      yield* Effect.promise(() => old.request("default.events.poller.health", ocsfEvent("explicit", 2)))
      yield* core.awaitStored("acme", 1)
      yield* core.awaitStored("default", 2)
      assert.deepStrictEqual(yield* owners(core, "acme"), ["acme"])
      assert.deepStrictEqual((yield* owners(core, "default")).sort(), ["explicit", "old"])
    })
  )

  it.live("follows the flag without a restart, and each lane keeps its place", () =>
    Effect.gen(function* () {
      const core = yield* startWithAcme({ NATS_TENANT_PREFIX_ENABLED: "false" })
      yield* core.publish("acme", "events.poller.health", ocsfEvent("acme", 0))
      yield* core.awaitStored("default", 1)
      const operator = yield* Effect.acquireRelease(
        Effect.promise(() => connect({ servers: core.nats.url })),
        (open) => Effect.promise(() => open.close())
      )
      const flags = yield* Effect.provideContext(
        FlagStore,
        yield* Layer.build(FlagStore.layer(Effect.succeed(operator)))
      )
      yield* flags.set(PREFIX_MODE, { kind: "everyone" }, "both")
      yield* waitUntil(
        "acme's stream takes its prefix",
        Effect.map(
          Effect.tryPromise(() =>
            operator.request("acme.events.poller.health", ocsfEvent("acme", 1), { timeout: 500 })
          ),
          (reply) => reply.string().includes("events-acme")
        )
      )
      yield* core.awaitStored("acme", 1)
      yield* flags.set(TENANT_PREFIX_ENABLED, { kind: "everyone" }, "on")
      yield* flags.unset(PREFIX_MODE, { kind: "everyone" })
      yield* waitUntil(
        "default's stream no longer takes unprefixed subjects",
        Effect.map(
          Effect.exit(Effect.tryPromise(() => operator.request("events.poller.health", "", { timeout: 500 }))),
          (exit) => exit._tag === "Failure"
        )
      )
      assert.deepStrictEqual(yield* owners(core, "default"), ["acme"])
    })
  )
})
