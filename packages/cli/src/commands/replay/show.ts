/**
 * `bulkhead replay show`: how far a replay is.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { askCore } from "../../core/askCore.ts"
import { tenant } from "../../options/tenant.ts"
import { id, printReplay, wait } from "./followReplay.ts"

export const show = Command.make(
  "show",
  { tenant, id, wait },
  Effect.fnUntraced(function* ({ tenant: slug, id, wait }) {
    const ask = yield* askCore
    const replay = yield* ask((core) => core.replays.get({ params: { slug, id } }))
    yield* printReplay(ask, slug, replay, wait)
  })
).pipe(
  Command.withDescription("Show one replay and how far it is"),
  Command.withExamples([{ command: "bulkhead replay show acme 3 --wait", description: "Until it has ended" }])
)
