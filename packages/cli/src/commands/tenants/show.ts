/**
 * `bulkhead tenants show`: one tenant as it is recorded, how it runs, and its limits.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { askCore } from "../../core/askCore.ts"
import { tenant } from "../../options/tenant.ts"
import { fields } from "../../output/fields.ts"
import { print } from "../../output/print.ts"
import { time } from "../../output/units.ts"
import { healthFields } from "../health/healthFields.ts"

export const show = Command.make(
  "show",
  { tenant },
  Effect.fnUntraced(function* ({ tenant: slug }) {
    const ask = yield* askCore
    const params = { slug }
    const tenant = yield* ask((core) => core.tenants.get({ params }))
    // A replica may not have heard of a tenant that another one has just made.
    const healthIfKnown = ask((core) =>
      core.health.get({ params }).pipe(Effect.catchTag("TenantUnknownProblem", () => Effect.undefined))
    )
    const limitsInForce = ask((core) => core.tenants.limits({ params }))
    const [health, limits] = yield* Effect.all([healthIfKnown, limitsInForce], { concurrency: 2 })
    yield* print({ ...tenant, health, limitsInForce: limits }, ({ name, plan, id, createdAt, updatedAt }) =>
      fields([
        ["tenant", slug],
        ["name", name],
        ["plan", plan],
        ...(health === undefined ? [["status", tenant.status] as const] : healthFields(health)),
        ["own limits", Object.keys(tenant.limits).join(", ")],
        ["generation", `${tenant.generation}, in force ${tenant.appliedGeneration}`],
        ["created", time(createdAt)],
        ["updated", time(updatedAt)],
        ["id", id]
      ])
    )
  })
).pipe(
  Command.withDescription("Show one tenant: its record, how it runs, its limits"),
  Command.withExamples([{ command: "bulkhead tenants show acme", description: "Everything about acme" }])
)
