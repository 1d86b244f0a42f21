/**
 * `bulkhead replay list`: a tenant's replays, the newest first.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { askCore } from "../../core/askCore.ts"
import { tenant } from "../../options/tenant.ts"
import { print } from "../../output/print.ts"
import { table } from "../../output/table.ts"
import { time } from "../../output/units.ts"

export const list = Command.make(
  "list",
  { tenant },
  Effect.fnUntraced(function* ({ tenant: slug }) {
    const ask = yield* askCore
    const replays = yield* ask((core) => core.replays.list({ params: { slug } }))
    yield* print(replays, (replays) =>
      table(
        [
          { title: "id", cell: ({ id }) => String(id), align: "right" },
          { title: "status", cell: ({ status }) => status },
          { title: "from", cell: ({ fromSequence }) => String(fromSequence), align: "right" },
          { title: "at", cell: ({ watermark }) => String(watermark ?? ""), align: "right" },
          { title: "rows", cell: ({ rows }) => String(rows), align: "right" },
          { title: "dead letters", cell: ({ deadLetters }) => String(deadLetters), align: "right" },
          { title: "requested", cell: ({ requestedAt }) => time(requestedAt) },
          { title: "error", cell: ({ error }) => error ?? "" }
        ],
        replays,
        `Tenant "${slug}" was never replayed`
      )
    )
  })
).pipe(
  Command.withDescription("List a tenant's replays, the newest hundred"),
  Command.withExamples([{ command: "bulkhead replay list acme", description: "The replays of acme" }])
)
