/**
 * `bulkhead tenants limits get`: the limits in force.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { askCore } from "../../core/askCore.ts"
import { tenant } from "../../options/tenant.ts"
import { print } from "../../output/print.ts"
import { renderLimits } from "./renderLimits.ts"

export const getLimits = Command.make(
  "get",
  { tenant },
  Effect.fnUntraced(function* ({ tenant: slug }) {
    const ask = yield* askCore
    const params = { slug }
    const [{ limits: own, plan }, limits] = yield* Effect.all(
      [ask((core) => core.tenants.get({ params })), ask((core) => core.tenants.limits({ params }))],
      { concurrency: 2 }
    )
    yield* print({ plan, limits, own }, ({ limits, own }) => renderLimits(limits, own))
  })
).pipe(
  Command.withDescription("Show the limits in force: the plan's, but for those of the tenant's own"),
  Command.withExamples([{ command: "bulkhead tenants limits get acme", description: "The limits of acme" }])
)
