/**
 * `bulkhead streams migrate plan`: every step before it is taken, what takes it back, and what is in the way.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { failed } from "../../../CommandFailed.ts"
import { EXIT } from "../../../ExitCode.ts"
import { print } from "../../../output/print.ts"
import { planFor, planOptions } from "./planFor.ts"
import { planDocument, renderPlan } from "./renderPlan.ts"
import { withMigration } from "./withMigration.ts"

export const plan = Command.make("plan", planOptions, (input) =>
  withMigration(
    Effect.gen(function* () {
      const result = yield* planFor(input, 0)
      yield* print(planDocument(result), renderPlan)
      const { length } = result.problems
      if (length > 0) return yield* failed(EXIT.fault, `${length} problems are in the way`, "Each is named above")
    })
  )
).pipe(
  Command.withDescription("Show every step and what takes it back; changes nothing; 1 where something is in the way"),
  Command.withExamples([
    { command: "bulkhead streams migrate plan --mapping mapping.json", description: "With a mapping" }
  ])
)
