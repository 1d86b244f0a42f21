/**
 * `bulkhead tenants plan`: another plan, and with it other limits.
 */
import { TenantPlan } from "@bulkhead/tenancy"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { changeCore } from "../../core/askCore.ts"
import { dryRun } from "../../options/dryRun.ts"
import { tenant } from "../../options/tenant.ts"
import { printTenant } from "./printTenant.ts"

export const plan = Command.make(
  "plan",
  {
    tenant,
    plan: Argument.Literals("plan", TenantPlan.literals).pipe(Argument.withDescription("The new plan")),
    dryRun
  },
  Effect.fnUntraced(function* ({ tenant: slug, plan, dryRun }) {
    const ask = yield* changeCore(dryRun)
    const changed = yield* ask((core) => core.tenants.change({ params: { slug }, payload: { plan } }))
    yield* printTenant(changed, `has plan ${changed.plan}`)
  })
).pipe(
  Command.withDescription("Change a tenant's plan; limits of its own stay"),
  Command.withExamples([{ command: "bulkhead tenants plan acme enterprise", description: "A larger plan" }])
)
