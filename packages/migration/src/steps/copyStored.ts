/**
 * Waits until the new stream has copied all that the old ones hold. What arrives meanwhile is copied as it comes.
 */
import { Effect } from "effect"
import { awaitCopied } from "../internal/copies.ts"
import { targetOf } from "../internal/planned.ts"
import type { StepKind, StepOf } from "../internal/StepRun.ts"

export const copyStored: StepKind<StepOf<"CopyStored">> = {
  describe: ({ stream }) => ({
    does: `waits until "${stream}" has copied all that is stored`,
    undoes: "nothing to undo"
  }),
  apply: Effect.fnUntraced(function* ({ stream }, { plan, tell }) {
    const target = targetOf(plan, stream)
    for (const copy of target.copies) yield* awaitCopied(target, copy, undefined, tell)
  }),
  revert: () => Effect.void
}
