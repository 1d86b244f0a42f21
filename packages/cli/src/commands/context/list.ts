/**
 * `bulkhead context list`: the saved contexts, without their tokens.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { readContexts } from "../../contexts/ContextsFile.ts"
import { print } from "../../output/print.ts"
import { table } from "../../output/table.ts"

export const list = Command.make("list", {}, () =>
  Effect.gen(function* () {
    const { contexts, current } = yield* readContexts
    const rows = Object.entries(contexts).map(([name, { url, token, nats }]) => ({
      name,
      isCurrent: name === current,
      url,
      hasToken: token !== undefined,
      ...(nats === undefined ? {} : { nats })
    }))
    yield* print(rows, (rows) =>
      table(
        [
          { title: "", cell: ({ isCurrent }) => (isCurrent ? "*" : "") },
          { title: "name", cell: ({ name }) => name },
          { title: "core", cell: ({ url }) => url },
          { title: "nats", cell: ({ nats }) => nats?.url ?? "" }
        ],
        rows,
        "There is no context yet. Add one: bulkhead context add <name> --url <url>"
      )
    )
  })
).pipe(
  Command.withDescription("List saved contexts; * marks the current one"),
  Command.withExamples([{ command: "bulkhead context list", description: "All contexts" }])
)
