/**
 * `bulkhead streams migrate run`: begins a migration, or goes on with the one under way.
 */
import { beginJournal, MigrationError, openJournal, PlanRefused, phaseOf, runForward } from "@bulkhead/migration"
import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { confirmUnlessDry, yes } from "../../../options/confirm.ts"
import { dryRun } from "../../../options/dryRun.ts"
import { print } from "../../../output/print.ts"
import { Json } from "../../../Settings.ts"
import { holder } from "./holder.ts"
import { type PlanInput, planFor, planOptions } from "./planFor.ts"
import { planDocument, renderPlan } from "./renderPlan.ts"
import { watch } from "./watch.ts"
import { flagStore, withMigration } from "./withMigration.ts"

const begin = Effect.fnUntraced(function* (input: PlanInput & { readonly yes: boolean; readonly dryRun: boolean }) {
  const result = yield* planFor(input, 0)
  const { plan, problems } = result
  if (problems.length > 0) {
    return yield* new MigrationError({ operation: "run", reason: new PlanRefused({ problems }) })
  }
  if (input.dryRun) {
    yield* print(planDocument(result), (document) => `dry run: nothing was changed\n${renderPlan(document)}`)
    return undefined
  }
  const streams = plan.sources.map(({ stream }) => `"${stream}"`).join(", ")
  yield* confirmUnlessDry(`Moving ${plan.consumers.length} consumers of ${streams}, as the plan says,`, input)
  return yield* beginJournal(plan, holder())
})

export const run = Command.make(
  "run",
  {
    ...planOptions,
    to: Flag.Literals("to", ["both", "prefixed"]).pipe(
      Flag.withDescription("How far: until subjects with and without prefix are taken, or only those with")
    ),
    dryRun,
    yes
  },
  (input) =>
    withMigration(
      Effect.gen(function* () {
        const journal = (yield* openJournal(holder())) ?? (yield* begin(input))
        if (journal === undefined) return
        if (input.dryRun) {
          return yield* Console.log(
            "dry run: nothing was changed; see what is done with: bulkhead streams migrate status"
          )
        }
        yield* runForward(journal, input.to, { onEvent: yield* watch }).pipe(Effect.provide(flagStore))
        const phase = phaseOf(yield* journal.entry)
        if (!(yield* Json)) yield* Console.log(`The migration stands at "${phase}"`)
      }).pipe(Effect.scoped)
    )
).pipe(
  Command.withDescription("Begin a migration, or go on with the one under way; 5 where it waits for you"),
  Command.withExamples([
    { command: "bulkhead streams migrate run --mapping mapping.json --to both --dry-run", description: "Look first" },
    { command: "bulkhead streams migrate run --to prefixed --yes", description: "Go on, in a script" }
  ])
)
