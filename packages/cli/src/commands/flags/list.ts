/**
 * `bulkhead flags list`: every flag, and what is said of it.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { askCore } from "../../core/askCore.ts"
import { print } from "../../output/print.ts"
import { table } from "../../output/table.ts"
import { forTenant, tenantQuery } from "./flagOptions.ts"

export const list = Command.make(
  "list",
  { tenant: forTenant },
  Effect.fnUntraced(function* ({ tenant }) {
    const ask = yield* askCore
    const flags = yield* ask((core) => core.flags.list({ query: tenantQuery(tenant) }))
    yield* print(flags, (flags) =>
      table(
        [
          { title: "flag", cell: ({ key }) => key },
          { title: "in force", cell: ({ inForce }) => inForce },
          { title: "everyone", cell: ({ everyone }) => everyone ?? "" },
          {
            title: "rollout",
            cell: ({ rollout }) => (rollout === undefined ? "" : `${rollout.percent} % ${rollout.value}`)
          },
          { title: "tenants", cell: ({ tenants }) => String(Object.keys(tenants).length), align: "right" },
          { title: "what it does", cell: ({ description }) => description }
        ],
        flags,
        "There are no flags"
      )
    )
  })
).pipe(
  Command.withDescription("List the platform's flags and what holds"),
  Command.withExamples([{ command: "bulkhead flags list --tenant acme", description: "What holds for acme" }])
)
