/**
 * `bulkhead tenants suspend`: nobody gets in, whoever is connected is cut, and the data stays.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { changeCore } from "../../core/askCore.ts"
import { confirmUnlessDry, yes } from "../../options/confirm.ts"
import { dryRun } from "../../options/dryRun.ts"
import { tenant } from "../../options/tenant.ts"
import { printTenant } from "./printTenant.ts"

export const suspend = Command.make(
  "suspend",
  { tenant, dryRun, yes },
  Effect.fnUntraced(function* (input) {
    const { tenant: slug, dryRun } = input
    const ask = yield* changeCore(dryRun)
    yield* confirmUnlessDry(`Suspending "${slug}" cuts its clients`, input)
    const changed = yield* ask((core) => core.tenants.suspend({ params: { slug } }))
    yield* printTenant(changed, "is suspended")
  })
).pipe(
  Command.withDescription("Cut a tenant's clients and let none in; its data stays"),
  Command.withExamples([{ command: "bulkhead tenants suspend acme --yes", description: "Without being asked" }])
)
