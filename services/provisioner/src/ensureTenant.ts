/**
 * Makes one tenant what the file says: creates it, or changes plan and limits where they differ.
 */

import type { CoreClient } from "@bulkhead/core/api"
import type { Tenant } from "@bulkhead/tenancy"
import { Effect } from "effect"
import { ProvisionError } from "./ProvisionError.ts"
import type { WantedTenant } from "./TenantsFile.ts"

type Limits = NonNullable<WantedTenant["limits"]>

/** What is asked of core: only what differs, because each request is a change that every server is told of. */
const changesOf = (tenant: Tenant, wanted: WantedTenant) => {
  const limits: Limits = Object.fromEntries(
    Object.entries(wanted.limits ?? {}).filter(([name, value]) => (tenant.limits[name] ?? null) !== value)
  )
  return {
    ...(tenant.plan === wanted.plan ? {} : { plan: wanted.plan }),
    ...(Object.keys(limits).length === 0 ? {} : { limits })
  }
}

const isInForce = (tenant: Tenant): boolean =>
  tenant.status !== "provisioning" && tenant.appliedGeneration >= tenant.generation

/** Gives a line that says what was done. */
export const ensureTenant = Effect.fnUntraced(function* (api: CoreClient, wanted: WantedTenant) {
  const { slug, name, plan } = wanted
  const params = { slug }
  const created = yield* api.tenants.create({ payload: { slug, name, plan } }).pipe(
    Effect.map((tenant) => ({ tenant, isNew: true })),
    Effect.catchTag("TenantExistsProblem", () =>
      Effect.map(api.tenants.get({ params }), (tenant) => ({ tenant, isNew: false }))
    )
  )
  if (created.tenant.status === "deleting") {
    return yield* new ProvisionError({
      problem: `Tenant "${slug}" is being deleted`,
      nextStep: "Wait until it is gone, or take it out of the file"
    })
  }
  const payload = changesOf(created.tenant, wanted)
  const isChanged = Object.keys(payload).length > 0
  const tenant = isChanged ? yield* api.tenants.change({ params, payload }) : created.tenant
  if (!isInForce(tenant)) {
    return yield* new ProvisionError({
      problem: `Tenant "${slug}" is recorded, but not in force yet (status ${tenant.status})`,
      nextStep: `Core's /health/tenants/${slug} says what it waits for; run this again then`
    })
  }
  const done = created.isNew ? "created" : isChanged ? "changed" : "as it should be"
  return `${slug}: ${done}, plan ${plan}`
})
