/**
 * The table a person watches while the local platform runs.
 */
import type { TenantHealth } from "@bulkhead/core/api"
import { DateTime } from "effect"
import type { TableRows } from "./storedRows.ts"

const columns = ["tenant", "status", "events in", "per s", "rows written", "dead", "lag", "last commit"] as const

const grouped = (count: number): string => count.toLocaleString("en-US").replaceAll(",", " ")

const lag = (health: TenantHealth): string =>
  health.lagMs === undefined
    ? grouped(health.lagMessages)
    : `${grouped(health.lagMessages)} (${(health.lagMs / 1000).toFixed(1)} s)`

const cells = (
  health: TenantHealth,
  before: TenantHealth | undefined,
  elapsedMs: number,
  nowMs: number
): ReadonlyArray<string> => [
  health.tenant,
  health.status,
  grouped(health.eventsIn),
  before === undefined ? "" : Math.max(0, ((health.eventsIn - before.eventsIn) * 1000) / elapsedMs).toFixed(1),
  grouped(health.rowsWritten),
  grouped(health.deadLetters),
  lag(health),
  health.lastCommitAt === undefined
    ? "never"
    : `${((nowMs - DateTime.toEpochMillis(health.lastCommitAt)) / 1000).toFixed(1)} s ago`
]

/** The table as lines: one per tenant, its last error below it. `elapsedMs` is the time since `before` was read. */
export const renderSummary = (
  now: ReadonlyArray<TenantHealth>,
  before: ReadonlyArray<TenantHealth>,
  elapsedMs: number,
  nowMs: number
): ReadonlyArray<string> => {
  const previous = new Map(before.map((health) => [health.tenant, health]))
  const rows = now.map((health) => cells(health, previous.get(health.tenant), elapsedMs, nowMs))
  const [header = "", ...lines] = aligned([columns, ...rows], 2)
  return [header, ...lines.flatMap((line, index) => [line, ...errorLine(now[index])])]
}

/** The first columns begin at the left, those with figures end at the right. */
const aligned = (rows: ReadonlyArray<ReadonlyArray<string>>, leftColumns: number): ReadonlyArray<string> => {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, index) => (index < leftColumns ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0)))
      .join("  ")
  )
}

/** What stands in the database as lines: a line for each tenant, a column for each table that some tenant has. */
export const renderStored = (stored: ReadonlyArray<TableRows>): ReadonlyArray<string> => {
  const tables = [...new Set(stored.map(({ table }) => table))].sort()
  const tenants = [...new Set(stored.map(({ tenant }) => tenant))]
  const cell = (tenant: string, table: string) =>
    grouped(stored.find((each) => each.tenant === tenant && each.table === table)?.rows ?? 0)
  const lines = tenants.map((tenant) => [tenant, ...tables.map((table) => cell(tenant, table))])
  return aligned([["rows stored", ...tables], ...lines], 1)
}

const errorLine = (health: TenantHealth | undefined): ReadonlyArray<string> =>
  health?.lastError === undefined ? [] : [`  └ ${health.lastError}`]
