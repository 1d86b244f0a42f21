/**
 * From where on a new stream may hold messages that were published into it.
 */
import { Effect } from "effect"
import type { StepRun } from "./StepRun.ts"

/** Undefined as long as it takes no subject itself. */
export const openedAtOf = (run: StepRun, stream: string): Effect.Effect<number | undefined> =>
  Effect.map(run.factsOf({ _tag: "OpenTargets" }), (facts) => {
    const at = facts[stream]
    return typeof at === "number" ? at : undefined
  })
