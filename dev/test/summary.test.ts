import type { TenantSlug } from "@bulkhead/channels"
import type { TenantHealth } from "@bulkhead/core/api"
import { assert, describe, it } from "@effect/vitest"
import { DateTime } from "effect"
import { renderStored, renderSummary } from "../src/summary.ts"

const health = (tenant: string, fields: Partial<TenantHealth> = {}): TenantHealth => ({
  tenant: tenant as TenantSlug,
  status: "active",
  eventsIn: 0,
  rowsWritten: 0,
  deadLetters: 0,
  deadLettersPresent: {},
  lagMessages: 0,
  lanes: [],
  restarts: 0,
  ...fields
})

describe("renderSummary", () => {
  it("shows counts, the rate since the last look, lag, and when it last wrote", () => {
    const before = [health("acme", { eventsIn: 1_000 })]
    const now = [
      health("acme", {
        eventsIn: 1_240,
        rowsWritten: 1_230,
        lagMessages: 10,
        lagMs: 250,
        lastCommitAt: DateTime.makeUnsafe(9_500)
      }),
      health("globex", { status: "degraded", lastError: "PostgreSQL is not available" })
    ]
    assert.deepStrictEqual(renderSummary(now, before, 2_000, 10_000), [
      "tenant  status    events in  per s  rows written  dead         lag  last commit",
      "acme    active        1 240  120.0         1 230     0  10 (0.3 s)    0.5 s ago",
      "globex  degraded          0                    0     0           0        never",
      "  └ PostgreSQL is not available"
    ])
  })
})

describe("renderStored", () => {
  it("has a column for each table that some tenant has", () => {
    const rows = (tenant: string, table: string, rows: number) => ({ tenant: tenant as TenantSlug, table, rows })
    assert.deepStrictEqual(
      renderStored([rows("acme", "ocsf_events", 1_200), rows("acme", "logs", 7), rows("globex", "ocsf_events", 3)]),
      ["rows stored  logs  ocsf_events", "acme            7        1 200", "globex          0            3"]
    )
  })
})
