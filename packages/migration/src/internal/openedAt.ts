/**
 * From where on a new stream may hold messages that were published into it.
 */
import { Effect } from "effect"
import type { Facts } from "../Journal.ts"
import type { StepRun } from "./StepRun.ts"

/** In what the step OpenTargets has noted. Undefined as long as the stream takes no subject itself. */
export const openedAtIn =
  (facts: Facts) =>
  (stream: string): number | undefined => {
    const at = facts[stream]
    return typeof at === "number" ? at : undefined
  }

/** The same for a step. */
export const openedAtOf = (run: StepRun, stream: string): Effect.Effect<number | undefined> =>
  Effect.map(run.factsOf({ _tag: "OpenTargets" }), (facts) => openedAtIn(facts)(stream))
