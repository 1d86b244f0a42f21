/**
 * A connection as one more client of a tenant, which tells a tenant that has no place for it from servers that are away.
 */
import { limitsOf } from "@bulkhead/accounts"
import type { Tenant } from "@bulkhead/tenancy"
import { Effect } from "effect"
import { connectAsTenant, TenantRefused } from "./connectAsTenant.ts"
import { type ProbeUser, TenantAccounts } from "./TenantAccounts.ts"

/**
 * A server that closes the socket in the same moment as it says that there is no place is often not heard: then the
 * connections are counted.
 */
const isFull = Effect.fnUntraced(function* (tenant: Tenant, refused: TenantRefused) {
  if (refused.isFull || refused.isRefusal) return refused.isFull
  const { connections } = limitsOf(tenant.plan, tenant.limits)
  const taken = (yield* TenantAccounts).connections(tenant)
  return connections !== "unlimited" && (yield* Effect.orElseSucceed(taken, () => 0)) >= connections
})

/** Connects once, without trying again; closed with the scope. */
export const connectAsClient = (tenant: Tenant, user: ProbeUser) =>
  connectAsTenant(user).pipe(
    Effect.catchTag("TenantRefused", (refused) =>
      Effect.flatMap(isFull(tenant, refused), (full) => {
        const { problem, isRefusal } = refused
        return Effect.fail(new TenantRefused({ problem, isRefusal, isFull: full }))
      })
    )
  )
