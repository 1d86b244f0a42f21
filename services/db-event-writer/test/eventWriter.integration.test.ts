import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { metrics, ocsfEvent, startShared } from "./harness.ts"

const tenants = ["acme", "globex", "initech"] as const
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

describe("db-event-writer", () => {
  it.live("writes a mixed flood of several tenants each into its own schema, once and in order", () =>
    Effect.gen(function* () {
      const shared = yield* startShared()
      yield* shared.createTenants(tenants)
      const writer = yield* shared.startWriter()
      yield* Effect.forEach(
        tenants,
        (tenant) =>
          Effect.forEach(numbers(300), (number) =>
            shared.publish(`${tenant}.events.poller.health`, ocsfEvent(tenant, number))
          ),
        { concurrency: "unbounded" }
      )
      for (const tenant of tenants) {
        yield* shared.awaitStored(tenant, 300)
        assert.deepStrictEqual(
          yield* shared.stored(tenant),
          numbers(300).map((number) => ({ owner: tenant, number }))
        )
      }
      const text = yield* metrics(writer)
      assert.match(text, /bulkhead_lane_rows_total\{tenant="acme"\} 30\d/)
      assert.match(text, /bulkhead_shared_lane_held_tenants\{reason="refused"\} 0/)
    })
  )
})
