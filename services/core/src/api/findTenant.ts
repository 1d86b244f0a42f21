import { isTenantSlug } from "@bulkhead/channels"
import { TenantStore } from "@bulkhead/storage"
import { Effect } from "effect"
import { unavailable, unknownTenant } from "./tenantFailures.ts"

/** The record of a tenant, whatever text somebody gives for its slug. */
export const findTenant = Effect.fnUntraced(function* (slug: string) {
  if (!isTenantSlug(slug)) return yield* unknownTenant(slug)
  return yield* (yield* TenantStore).get(slug).pipe(
    Effect.catchReason("StorageError", "TenantUnknown", () => unknownTenant(slug)),
    Effect.catchTag("StorageError", unavailable)
  )
})
