/**
 * Limits for people: which are the plan's, and which the tenant's own.
 */
import type { TenantLimits } from "@bulkhead/accounts"
import { table } from "../../output/table.ts"
import { size } from "../../output/units.ts"

/** A limit's name ends with its unit. */
const isBytes = (name: string): boolean => name.endsWith("Bytes") || name.startsWith("bytes")

const shown = (name: string, value: number | "unlimited"): string => {
  if (value === "unlimited" || !isBytes(name)) return String(value)
  return name.endsWith("PerSecond") ? `${size(value)}/s` : size(value)
}

export const renderLimits = (limits: TenantLimits, own: Readonly<Record<string, unknown>>): string =>
  table(
    [
      { title: "limit", cell: ([name]) => name },
      { title: "value", cell: ([name, value]) => shown(name, value), align: "right" },
      { title: "from", cell: ([name]) => (Object.hasOwn(own, name) ? "tenant" : "plan") }
    ],
    Object.entries(limits) as ReadonlyArray<readonly [string, number | "unlimited"]>,
    ""
  )
