/**
 * How a tenant runs, as lines for people.
 */
import type { TenantHealth } from "@bulkhead/core/api"
import { duration, time } from "../../output/units.ts"

type Field = readonly [name: string, value: string | number | undefined]

/** Dead letters that are there now: neither stored since, nor purged, nor expired. */
export const deadLettersPresent = (health: TenantHealth | undefined): number =>
  Object.values(health?.deadLettersPresent ?? {}).reduce((sum, count) => sum + count, 0)

export const healthFields = (health: TenantHealth): ReadonlyArray<Field> => [
  ["status", health.status],
  ["reason", health.reason],
  ["held by", health.heldBy],
  ["lag messages", health.lagMessages],
  ["lag age", health.lagMs === undefined ? undefined : duration(health.lagMs)],
  ["last commit", time(health.lastCommitAt)],
  ["rows written", health.rowsWritten],
  ["dead letters", deadLettersPresent(health)],
  ["restarts", health.restarts],
  ["replica", health.replica],
  ["last error", health.lastError]
]
