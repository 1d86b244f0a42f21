/**
 * `bulkhead tenants resume`: the clients of a suspended tenant may come back.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { changeCore } from "../../core/askCore.ts"
import { dryRun } from "../../options/dryRun.ts"
import { tenant } from "../../options/tenant.ts"
import { printTenant } from "./printTenant.ts"

export const resume = Command.make(
  "resume",
  { tenant, dryRun },
  Effect.fnUntraced(function* ({ tenant: slug, dryRun }) {
    const ask = yield* changeCore(dryRun)
    const changed = yield* ask((core) => core.tenants.resume({ params: { slug } }))
    yield* printTenant(changed, `is ${changed.status}`)
  })
).pipe(
  Command.withDescription("Let the clients of a suspended tenant in again"),
  Command.withExamples([
    { command: "bulkhead tenants resume acme", description: "Its clients reconnect by themselves" }
  ])
)
