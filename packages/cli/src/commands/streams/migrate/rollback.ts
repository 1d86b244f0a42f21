/**
 * `bulkhead streams migrate rollback`: takes back every step that was taken, the last one first.
 */
import { describePlan, openJournal, runBack, stepId } from "@bulkhead/migration"
import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { failed } from "../../../CommandFailed.ts"
import { EXIT } from "../../../ExitCode.ts"
import { confirmUnlessDry, yes } from "../../../options/confirm.ts"
import { dryRun } from "../../../options/dryRun.ts"
import { print } from "../../../output/print.ts"
import { Json } from "../../../Settings.ts"
import { holder } from "./holder.ts"
import { watch } from "./watch.ts"
import { flagStore, withMigration } from "./withMigration.ts"

export const rollback = Command.make(
  "rollback",
  {
    acceptRedelivery: Flag.Boolean("accept-redelivery").pipe(
      Flag.withDefault(false),
      Flag.withDescription("Let readers get messages again where their places cannot be known to the message")
    ),
    dryRun,
    yes
  },
  (input) =>
    withMigration(
      Effect.gen(function* () {
        const journal = yield* openJournal(holder())
        if (journal === undefined) return yield* failed(EXIT.fault, "No migration is under way")
        const { plan, steps } = yield* journal.entry
        if (input.dryRun) {
          const taken = new Set(plan.steps.map(stepId).filter((id) => steps[id] !== undefined))
          const back = describePlan(plan)
            .steps.filter(({ id }) => taken.has(id))
            .toReversed()
          return yield* print(back, (back) =>
            ["dry run: nothing was changed", ...back.map(({ id, undoes }) => `${id}: ${undoes}`)].join("\n")
          )
        }
        yield* confirmUnlessDry(`Going back with migration ${plan.id}`, input)
        const { acceptRedelivery } = input
        const left = yield* runBack(journal, { acceptRedelivery, onEvent: yield* watch }).pipe(
          Effect.provide(flagStore)
        )
        if (yield* Json) return
        yield* Console.log('The migration is rolled back; "bulkhead streams migrate cleanup" removes the new streams')
        for (const subject of left)
          yield* Console.log(`Messages under "${subject}" stay there: no old stream takes them`)
      }).pipe(Effect.scoped)
    )
).pipe(
  Command.withDescription("Go back to where the migration began, from any step; 5 where it waits for you"),
  Command.withExamples([{ command: "bulkhead streams migrate rollback --dry-run", description: "What it would do" }])
)
