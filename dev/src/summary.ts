/**
 * The table a person watches while the local platform runs.
 */
import type { TenantHealth } from "@bulkhead/core/api"
import { DateTime } from "effect"

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
  const widths = columns.map((title, index) => Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0)))
  const line = (row: ReadonlyArray<string>) =>
    row
      .map((cell, index) => (index < 2 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0)))
      .join("  ")
  return [line(columns), ...rows.flatMap((row, index) => [line(row), ...errorLine(now[index])])]
}

const errorLine = (health: TenantHealth | undefined): ReadonlyArray<string> =>
  health?.lastError === undefined ? [] : [`  └ ${health.lastError}`]
