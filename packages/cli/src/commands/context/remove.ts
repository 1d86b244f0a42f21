/**
 * `bulkhead context remove`: forgets an installation and its token. The installation itself is not touched.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { findContext, readContexts, writeContexts } from "../../contexts/ContextsFile.ts"
import { confirm, yes } from "../../options/confirm.ts"
import { print } from "../../output/print.ts"
import { contextName, unknownContext } from "./contextName.ts"

export const remove = Command.make(
  "remove",
  { name: contextName, yes },
  Effect.fnUntraced(function* (input) {
    const { name } = input
    const known = yield* readContexts
    if (findContext(known, name) === undefined) return yield* unknownContext(name)
    yield* confirm(`Forgetting context "${name}" and its token`, input)
    const { current, contexts } = known
    const rest = Object.fromEntries(Object.entries(contexts).filter(([other]) => other !== name))
    const kept = current === undefined || current === name ? {} : { current }
    yield* writeContexts({ version: 1, ...kept, contexts: rest })
    yield* print({ name }, () => `Context "${name}" is forgotten`)
  })
).pipe(
  Command.withDescription("Forget a context and its token"),
  Command.withExamples([{ command: "bulkhead context remove old --yes", description: "Without being asked" }])
)
