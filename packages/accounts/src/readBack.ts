/**
 * What a tenant may read back of what the platform stores for it: its processed events and logs, and its alerts. The
 * platform exports these as private streams; a tenant finds its own under `platform.`, so that reading back and
 * publishing never meet on one subject.
 */
import type { TenantSlug } from "@bulkhead/channels"

/** Base subjects, by a name of their own. */
export const READ_BACK = {
  "processed-events": "events.*.processed",
  "processed-logs": "logs.*.processed",
  "processed-internal-logs": "logs.internal.*.processed",
  "processed-infrastructure-logs": "logs.internal.infrastructure.*.processed",
  "processed-metrics": "otel.metrics.raw.processed",
  alerts: "alerts.>"
} as const

export type ReadBack = keyof typeof READ_BACK

/** In the platform's account. */
export const readBackSubject = (name: ReadBack, tenant: TenantSlug | "*"): string => `${tenant}.${READ_BACK[name]}`

/** In the tenant's account. */
export const readBackLocal = (name: ReadBack): string => `platform.${READ_BACK[name]}`

export const READ_BACKS = Object.keys(READ_BACK) as ReadonlyArray<ReadBack>
