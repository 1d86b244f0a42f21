/**
 * `bulkhead replay cancel`: ends a replay and leaves the tables as they were.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { changeCore } from "../../core/askCore.ts"
import { confirmUnlessDry, yes } from "../../options/confirm.ts"
import { dryRun } from "../../options/dryRun.ts"
import { tenant } from "../../options/tenant.ts"
import { print } from "../../output/print.ts"
import { id } from "./followReplay.ts"

export const cancel = Command.make(
  "cancel",
  { tenant, id, dryRun, yes },
  Effect.fnUntraced(function* (input) {
    const { tenant: slug, id, dryRun } = input
    const ask = yield* changeCore(dryRun)
    yield* confirmUnlessDry(`Cancelling replay ${id} of "${slug}"`, input)
    const replay = yield* ask((core) => core.replays.cancel({ params: { slug, id } }))
    yield* print(replay, ({ status }) => `Replay ${id} of "${slug}" is ${status}`)
  })
).pipe(
  Command.withDescription("End a replay and leave the tables as they were"),
  Command.withExamples([{ command: "bulkhead replay cancel acme 3 --yes", description: "Without being asked" }])
)
