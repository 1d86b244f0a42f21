/**
 * The names under which a tenant is known to servers. Each is injective: two tenants never share one.
 */
import { isTenantSlug, type TenantSlug } from "./Slug.ts"

/** The tenant's PostgreSQL schema and owner role: `tenant_acme_corp` for `acme-corp`. At most 55 bytes. */
export const schemaName = (tenant: TenantSlug): string => `tenant_${tenant.replaceAll("-", "_")}`

const STREAM_PREFIX = "events-"

/** The tenant's JetStream stream: `events-acme`. */
export const streamName = (tenant: TenantSlug): string => `${STREAM_PREFIX}${tenant}`

/** The tenant whose stream is called so; undefined for any other name. */
export const tenantOfStream = (name: string): TenantSlug | undefined => {
  const slug = name.startsWith(STREAM_PREFIX) ? name.slice(STREAM_PREFIX.length) : ""
  return isTenantSlug(slug) ? slug : undefined
}

/** The one stream of all tenants, where they share one. No tenant's stream is called so. */
export const SHARED_STREAM_NAME = "events"
