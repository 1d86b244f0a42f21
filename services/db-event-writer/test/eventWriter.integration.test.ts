import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { metrics, ocsfEvent, startShared } from "./harness.ts"

const COUNT = 300
const numbers = Array.from({ length: COUNT }, (_, index) => index)

/** Who sends, on which subject, and whose schema it belongs to. */
const senders = [
  { owner: "acme", subject: "acme.events.poller.health", tenant: "acme" },
  { owner: "globex", subject: "globex.events.poller.health", tenant: "globex" },
  { owner: "old collector", subject: "events.poller.health", tenant: "default" },
  { owner: "new collector", subject: "default.events.poller.health", tenant: "default" }
] as const

describe("db-event-writer", () => {
  it.live("writes a mixed flood, prefixed and not, each tenant's into its own schema, once and in order", () =>
    Effect.gen(function* () {
      const shared = yield* startShared({ NATS_TENANT_PREFIX_MODE: "both" })
      yield* shared.createTenants(["acme", "globex"])
      const writer = yield* shared.startWriter()
      yield* Effect.forEach(
        senders,
        ({ owner, subject }) =>
          Effect.forEach(numbers, (number) => shared.publish(subject, ocsfEvent(owner, number)), { discard: true }),
        { concurrency: "unbounded", discard: true }
      )
      for (const [tenant, own] of Map.groupBy(senders, (sender) => sender.tenant)) {
        yield* shared.awaitStored(tenant, own.length * COUNT)
        const stored = yield* shared.stored(tenant)
        // Nothing else is there, from another tenant or twice.
        assert.lengthOf(stored, own.length * COUNT)
        for (const { owner } of own) {
          const fromOwner = stored.filter((row) => row.owner === owner).map(({ number }) => number)
          assert.deepStrictEqual(fromOwner, numbers)
        }
      }
      const text = yield* metrics(writer)
      assert.match(text, /bulkhead_lane_rows_total\{tenant="acme"\} 30\d/)
      assert.match(text, /bulkhead_shared_lane_held_tenants\{reason="refused"\} 0/)
    })
  )
})
