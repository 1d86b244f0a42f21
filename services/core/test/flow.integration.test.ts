import type { TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startCore } from "../testing/coreHarness.ts"
import { encode, ocsfEvent } from "../testing/events.ts"

const tenants = ["acme", "globex", "initech"] as const

const createTenants = (api: Effect.Success<ReturnType<typeof startCore>>["api"]) =>
  Effect.forEach(tenants, (slug) =>
    api.tenants.create({ payload: { slug: slug as TenantSlug, name: slug, plan: "free" } })
  )

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

describe("EventWriter", () => {
  it.live("writes a mixed flood of three tenants each into its own schema, once and in order", () =>
    Effect.gen(function* () {
      const core = yield* startCore()
      yield* createTenants(core.api)
      // Per tenant one after the other, so that there is an order to keep; the tenants all at once.
      yield* Effect.forEach(
        tenants,
        (tenant) =>
          Effect.forEach(numbers(300), (number) =>
            core.publish(tenant, "events.poller.health", ocsfEvent(tenant, number))
          ),
        { concurrency: "unbounded" }
      )
      for (const tenant of tenants) {
        yield* core.awaitStored(tenant, 300)
        assert.deepStrictEqual(
          yield* core.stored(tenant),
          numbers(300).map((number) => ({ owner: tenant, number }))
        )
      }
    })
  )

  it.live("keeps what can never be stored as a dead letter and goes on", () =>
    Effect.gen(function* () {
      const core = yield* startCore()
      yield* createTenants(core.api)
      const poison = ["not json", "{}", JSON.stringify({ id: "x", class_uid: 1008 }), "[1]", '{"id":"\\u0000"}']
      for (const [index, text] of poison.entries()) {
        yield* core.publish("acme", "events.ocsf.processed", encode(text))
        yield* core.publish("acme", "events.ocsf.processed", ocsfEvent("acme", index))
      }
      yield* core.awaitStored("acme", poison.length)
      const letters = yield* core.query<{ payload: Uint8Array; reason: string }>(
        "select payload, reason from tenant_acme.dead_letters order by sequence"
      )
      assert.deepStrictEqual(
        letters.map((letter) => new TextDecoder().decode(letter.payload)),
        poison
      )
      const health = core.api.health.get({ params: { slug: "acme" } })
      assert.strictEqual((yield* health).deadLetters, poison.length)
      yield* waitUntil(
        "health and metrics say that nothing waits",
        Effect.gen(function* () {
          const { lanes } = yield* health
          const text = yield* core.metrics
          return lanes[0]?.lagMessages === 0 && text.includes('bulkhead_lane_lag_messages{tenant="acme"} 0')
        })
      )
      const [lane] = (yield* health).lanes
      assert.match(lane?.lane ?? "", /^events-acme@/)
      const text = yield* core.metrics
      assert.match(text, /bulkhead_lane_lag_seconds\{tenant="acme"\} 0\n/)
      assert.match(text, /bulkhead_lane_last_commit_timestamp_seconds\{tenant="acme"\} \d{10}/)
      assert.match(text, /bulkhead_replica_tenants\{status="active"\} 4\n/)
    })
  )
})
