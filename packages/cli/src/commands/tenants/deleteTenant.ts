/**
 * `bulkhead tenants delete`: the tenant with its account, credentials, stream, schema and role, and what was found when
 * all of it was gone.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { changeCore } from "../../core/askCore.ts"
import { confirmUnlessDry, yes } from "../../options/confirm.ts"
import { dryRun } from "../../options/dryRun.ts"
import { tenant } from "../../options/tenant.ts"
import { fields } from "../../output/fields.ts"
import { print } from "../../output/print.ts"
import { printTenant } from "./printTenant.ts"

const isThere = (exists: boolean): string => (exists ? "still there" : "gone")

export const deleteTenant = Command.make(
  "delete",
  { tenant, dryRun, yes },
  Effect.fnUntraced(function* (input) {
    const { tenant: slug, dryRun } = input
    const ask = yield* changeCore(dryRun)
    yield* confirmUnlessDry(`Deleting "${slug}" destroys its data and credentials for ever`, input)
    const answer = yield* ask((core) => core.tenants.delete({ params: { slug } }))
    if (!("erasedAt" in answer)) return yield* printTenant(answer, "is being deleted")
    yield* print(answer, ({ erasedAt, account, stream, database }) =>
      fields([
        ["deleted", slug],
        ["at", erasedAt],
        ["connections", account.connections],
        ["credentials", account.credentials],
        ["stream", `${stream.name} is ${isThere(stream.exists)}`],
        ["schema", isThere(database.schema)],
        ["role", isThere(database.role)]
      ])
    )
  })
).pipe(
  Command.withDescription("Delete a tenant with everything that is its own, and report what is left: nothing"),
  Command.withExamples([
    { command: "bulkhead tenants delete acme --yes", description: "For ever, without being asked" }
  ])
)
