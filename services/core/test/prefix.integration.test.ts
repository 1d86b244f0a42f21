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

const NUMBERS = Array.from({ length: 60 }, (_, number) => number)

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

  for (const layout of ["per-tenant", "shared"]) {
    it.live(`both: of mixed traffic, unprefixed messages are default's, in layout ${layout}`, () =>
      Effect.gen(function* () {
        const core = yield* startWithAcme({
          NATS_TENANT_PREFIX_ENABLED: "true",
          NATS_TENANT_PREFIX_MODE: "both",
          CORE_LAYOUT: layout
        })
        const collector = yield* Effect.acquireRelease(
          Effect.promise(() => connect({ servers: core.nats.url })),
          (open) => Effect.promise(() => open.close())
        )
        const send = (subject: string, owner: string, number: number) =>
          Effect.promise(() => collector.request(subject, ocsfEvent(owner, number)))
        // Each number comes from a collector that knows nothing of tenants, from one that says default itself, and for acme.
        yield* Effect.forEach(
          NUMBERS,
          (number) =>
            Effect.all(
              [
                send("events.poller.health", "old", number),
                send("default.events.poller.health", "explicit", number),
                core.publish("acme", "events.poller.health", ocsfEvent("acme", number))
              ],
              { concurrency: "unbounded" }
            ),
          { concurrency: 10, discard: true }
        )
        yield* core.awaitStored("acme", NUMBERS.length)
        yield* core.awaitStored("default", 2 * NUMBERS.length)
        const numbersOf = Effect.fnUntraced(function* (tenant: string, owner: string) {
          const rows = yield* core.stored(tenant)
          return rows.filter((row) => row.owner === owner).map(({ number }) => number)
        })
        const inOrder = (a: number, b: number) => a - b
        assert.deepStrictEqual((yield* numbersOf("acme", "acme")).sort(inOrder), NUMBERS)
        assert.deepStrictEqual((yield* numbersOf("default", "old")).sort(inOrder), NUMBERS)
        assert.deepStrictEqual((yield* numbersOf("default", "explicit")).sort(inOrder), NUMBERS)
        assert.lengthOf(yield* core.stored("acme"), NUMBERS.length)
        assert.lengthOf(yield* core.stored("default"), 2 * NUMBERS.length)
      })
    )
  }

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
