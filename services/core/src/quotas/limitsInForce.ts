import { limitsOf, type TenantLimits } from "@bulkhead/accounts"
import type { Tenant } from "@bulkhead/tenancy"
import { Effect } from "effect"
import { CoreConfig } from "../CoreConfig.ts"

/** What counts for a tenant: its own limits, else its plan's, and of the disk no more than this installation gives. */
export const limitsInForce = (tenant: Tenant): Effect.Effect<TenantLimits, never, CoreConfig> =>
  Effect.map(CoreConfig, ({ streamBytesMax }) => {
    const limits = limitsOf(tenant.plan, tenant.limits)
    return { ...limits, streamBytes: Math.min(streamBytesMax, limits.streamBytes) }
  })
