/**
 * The names under which a tenant is known to servers. Each is injective: two tenants never share one.
 */
import type { TenantSlug } from "./Slug.ts"

/** The tenant's PostgreSQL schema and owner role: `tenant_acme_corp` for `acme-corp`. At most 55 bytes. */
export const schemaName = (tenant: TenantSlug): string => `tenant_${tenant.replaceAll("-", "_")}`

/** The tenant's JetStream stream: `events-acme`. */
export const streamName = (tenant: TenantSlug): string => `events-${tenant}`

/** The one stream of all tenants, where they share one. No tenant's stream is called so. */
export const SHARED_STREAM_NAME = "events"
