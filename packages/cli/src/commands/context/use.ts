/**
 * `bulkhead context use`: which installation commands are for from now on.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { findContext, readContexts, writeContexts } from "../../contexts/ContextsFile.ts"
import { print } from "../../output/print.ts"
import { contextName, unknownContext } from "./contextName.ts"

export const use = Command.make(
  "use",
  { name: contextName },
  Effect.fnUntraced(function* ({ name }) {
    const known = yield* readContexts
    const saved = findContext(known, name)
    if (saved === undefined) return yield* unknownContext(name)
    yield* writeContexts({ ...known, current: name })
    yield* print({ name, url: saved.url }, ({ url }) => `"${name}" (${url}) is the current context`)
  })
).pipe(
  Command.withDescription("Choose the installation that commands are for"),
  Command.withExamples([{ command: "bulkhead context use prod", description: "From now on, prod" }])
)
