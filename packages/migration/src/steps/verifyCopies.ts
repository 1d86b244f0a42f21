/**
 * Compares every message that an old stream holds with its copy, and goes on only when all are equal.
 */
import { Effect } from "effect"
import { compareCopies } from "../compareCopies.ts"
import { openedAtIn } from "../internal/openedAt.ts"
import type { StepKind, StepOf } from "../internal/StepRun.ts"
import { CopyDiffers, MigrationError, OperatorNeeded } from "../MigrationError.ts"
import { stepId } from "../MigrationPlan.ts"

export const verifyCopies: StepKind<StepOf<"VerifyCopies">> = {
  describe: ({ stream }) => ({
    does: `each message of "${stream}" is compared with its copy: counts and checksums by subject, with and without order`,
    undoes: "nothing to undo"
  }),
  apply: Effect.fnUntraced(function* (step, run) {
    const { plan, note, tell } = run
    const { stream } = step
    const facts = yield* run.factsOf({ _tag: "OpenTargets" })
    const { subjects, unclaimed, messages } = yield* compareCopies(plan, stream, openedAtIn(facts), tell)
    const failed = (reason: CopyDiffers | OperatorNeeded) => new MigrationError({ operation: "verifyCopies", reason })
    const differences = subjects
      .filter(({ isEqual }) => !isEqual)
      .map(
        ({ subject, original, copy }) =>
          `"${subject}" has ${original?.messages ?? 0} messages, ${copy?.messages ?? 0} in copies`
      )
    if (differences.length > 0) return yield* failed(new CopyDiffers({ stream, differences }))
    if (unclaimed.length > 0) {
      return yield* failed(
        new OperatorNeeded({
          step: stepId(step),
          problem: `stream "${stream}" holds "${unclaimed.slice(0, 5).join('", "')}", which the plan gives to nobody`,
          nextStep: "Roll back and plan again, with these subjects in the mapping"
        })
      )
    }
    yield* note({ messages, subjects: subjects.length })
  }),
  revert: () => Effect.void
}
