/**
 * `bulkhead tenants list`: who is there, and how each of them is.
 */

import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { askCore } from "../../core/askCore.ts"
import { print } from "../../output/print.ts"
import { table } from "../../output/table.ts"
import { lag } from "../../output/units.ts"
import { deadLettersPresent } from "../health/healthFields.ts"

export const list = Command.make("list", {}, () =>
  Effect.gen(function* () {
    const ask = yield* askCore
    const [tenants, healths] = yield* Effect.all(
      [ask((core) => core.tenants.list()), ask((core) => core.health.list())],
      {
        concurrency: 2
      }
    )
    const healthOf = new Map(healths.map((health) => [health.tenant, health]))
    const rows = tenants.map((tenant) => {
      const health = healthOf.get(tenant.slug)
      return {
        ...tenant,
        // What the tenant's lane says is newer than the record, where there is one.
        status: health?.status ?? tenant.status,
        lagMessages: health?.lagMessages ?? 0,
        ...(health?.lagMs === undefined ? {} : { lagMs: health.lagMs }),
        deadLetters: deadLettersPresent(health)
      }
    })
    yield* print(rows, (rows) =>
      table(
        [
          { title: "slug", cell: ({ slug }) => slug },
          { title: "status", cell: ({ status }) => status },
          { title: "plan", cell: ({ plan }) => plan },
          { title: "lag", cell: ({ lagMessages, lagMs }) => lag(lagMessages, lagMs), align: "right" },
          { title: "dead letters", cell: ({ deadLetters }) => String(deadLetters), align: "right" },
          { title: "name", cell: ({ name }) => name }
        ],
        rows,
        "There is no tenant yet. Create one: bulkhead tenants create <slug> --name <name>"
      )
    )
  })
).pipe(
  Command.withDescription("List tenants with status, plan, lag and dead letters"),
  Command.withExamples([
    { command: "bulkhead tenants list", description: "All tenants of the current context" },
    { command: "bulkhead tenants list --json", description: "The same for a program" }
  ])
)
