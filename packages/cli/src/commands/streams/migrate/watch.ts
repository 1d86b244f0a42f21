/**
 * Shows the steps of a migration as they are taken: a line for each, a bar for the one under way, a JSON line for programs.
 */
import type { MigrationEvent } from "@bulkhead/migration"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { oneLine } from "../../../output/oneLine.ts"
import { progress } from "../../../output/progress.ts"
import { duration } from "../../../output/units.ts"
import { Json } from "../../../Settings.ts"

/** Gives the listener that a run takes. */
export const watch = Effect.gen(function* () {
  const isJson = yield* Json
  const bar = yield* progress("step")
  const say = Effect.runSyncWith(yield* Effect.context<never>())
  let startedAt = Date.now()
  const asJson = (event: MigrationEvent): void => {
    if (event._tag !== "StepProgress") say(Console.log(JSON.stringify(event)))
  }
  const asText = (event: MigrationEvent): void => {
    if (event._tag === "StepStarted") startedAt = Date.now()
    else if (event._tag === "StepProgress") say(bar.show(event.done, event.of, oneLine(event.step)))
    else {
      const took = duration(Date.now() - startedAt)
      const line = `${String(event.number).padStart(3)}/${event.of}  ${oneLine(event.step)}  ${took}`
      say(Effect.andThen(bar.clear, Console.log(line)))
    }
  }
  return isJson ? asJson : asText
})
