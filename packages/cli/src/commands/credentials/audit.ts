/**
 * `bulkhead credentials audit`: what was signed for a tenant, by whom and when.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { askCore } from "../../core/askCore.ts"
import { tenant } from "../../options/tenant.ts"
import { print } from "../../output/print.ts"
import { table } from "../../output/table.ts"
import { time } from "../../output/units.ts"

export const audit = Command.make(
  "audit",
  { tenant },
  Effect.fnUntraced(function* ({ tenant: slug }) {
    const ask = yield* askCore
    const entries = yield* ask((core) => core.credentials.audit({ params: { slug } }))
    yield* print(entries, (entries) =>
      table(
        [
          { title: "at", cell: ({ at }) => time(at) },
          { title: "operation", cell: ({ operation }) => operation },
          { title: "actor", cell: ({ actor }) => actor },
          { title: "subject", cell: ({ subject }) => subject },
          { title: "details", cell: ({ details }) => details }
        ],
        entries,
        `Nothing was signed for tenant "${slug}" yet`
      )
    )
  })
).pipe(
  Command.withDescription("Show what was signed for a tenant, the newest thousand entries"),
  Command.withExamples([{ command: "bulkhead credentials audit acme", description: "Who got what, and when" }])
)
