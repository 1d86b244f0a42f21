/**
 * Lets the new stream drop repeats from now on, by the ids of copies too. The window stands in the configuration, because
 * a stream that copies has none otherwise.
 */
import { nanos } from "@nats-io/nats-core"
import { Effect } from "effect"
import { targetOf } from "../internal/planned.ts"
import type { StepKind, StepOf } from "../internal/StepRun.ts"
import { updateStream } from "../internal/streamState.ts"

/** The fact that says since when, by the server's clock. */
export const SINCE = "since"

export const dropRepeats: StepKind<StepOf<"DropRepeats">> = {
  describe: ({ stream }, plan) => ({
    does: `"${stream}" drops messages whose Nats-Msg-Id it has seen within ${targetOf(plan, stream).duplicateWindowMs / 1_000} s`,
    undoes: "nothing to undo"
  }),
  apply: Effect.fnUntraced(function* ({ stream }, { plan, facts, note }) {
    const { [SINCE]: since } = yield* facts
    const info = yield* updateStream(stream, { duplicate_window: nanos(targetOf(plan, stream).duplicateWindowMs) })
    // A repeated step begins the window anew: rather too late than too early.
    if (since === undefined) yield* note({ [SINCE]: info.ts ?? new Date().toISOString() })
  }),
  revert: () => Effect.void
}
