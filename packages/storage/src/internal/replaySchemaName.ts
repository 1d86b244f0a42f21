import type { TenantSlug } from "@bulkhead/channels"

/** The schema that a replay fills; no tenant's schema is called so, because they all begin with `tenant_`. */
export const replaySchemaName = (tenant: TenantSlug): string => `replay_${tenant.replaceAll("-", "_")}`
