/**
 * Waits until nobody publishes without prefix any more.
 */
import { Effect } from "effect"
import type { StepKind, StepOf } from "../internal/StepRun.ts"
import { awaitNoUnprefixed } from "../internal/silence.ts"
import { MigrationError, OperatorNeeded } from "../MigrationError.ts"
import { stepId } from "../MigrationPlan.ts"

export const awaitSilence: StepKind<StepOf<"AwaitSilence">> = {
  describe: ({ stream }, { quietMs }) => ({
    does: `waits until "${stream}" has received nothing for ${quietMs / 1_000} s: every publisher puts its tenant before the subject`,
    undoes: "nothing to undo"
  }),
  apply: Effect.fnUntraced(function* (step, run) {
    const busy = yield* awaitNoUnprefixed(run, step.stream)
    if (busy.length === 0) return
    return yield* new MigrationError({
      operation: "awaitSilence",
      reason: new OperatorNeeded({
        step: stepId(step),
        problem: `somebody still publishes without prefix, on "${busy.slice(0, 3).join('", "')}"`,
        nextStep: "Let these publishers put their tenant before the subject"
      })
    })
  }),
  revert: () => Effect.void
}
