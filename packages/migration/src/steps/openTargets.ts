/**
 * Lets the new streams take subjects with a prefix. That comes after consumers have moved: what is published into a new
 * stream then lies behind every place that was kept. And it comes a whole window after repeats are dropped, so that a
 * publisher which sent a message without prefix and repeats it with one is recognised.
 */
import { DateTime, Effect } from "effect"
import { targetOf } from "../internal/planned.ts"
import type { StepKind, StepOf, StepRun } from "../internal/StepRun.ts"
import { streamInfo, updateStream } from "../internal/streamState.ts"
import { SINCE } from "./dropRepeats.ts"

const LOOK_EVERY_MS = 1_000

const msOf = (time: string): number => DateTime.toEpochMillis(DateTime.makeUnsafe(time))

/** By the server's clock, which is the one that counts. */
const awaitWindow = Effect.fnUntraced(function* ({ plan, factsOf, tell }: StepRun, stream: string) {
  const { duplicateWindowMs } = targetOf(plan, stream)
  const { [SINCE]: since } = yield* factsOf({ _tag: "DropRepeats", stream })
  while (typeof since === "string") {
    const { ts } = yield* streamInfo(stream)
    const passedMs = msOf(ts ?? new Date().toISOString()) - msOf(since)
    if (passedMs >= duplicateWindowMs) return
    tell(passedMs, duplicateWindowMs)
    yield* Effect.sleep(Math.min(LOOK_EVERY_MS, duplicateWindowMs - passedMs))
  }
})

export const openTargets: StepKind<StepOf<"OpenTargets">> = {
  describe: (_, { targets }) => ({
    does: `${targets.map(({ stream, tenant }) => `"${stream}" takes "${tenant}.…"`).join(", ")}, as soon as it has dropped repeats for a whole window`,
    undoes:
      "the new streams take and copy nothing more; readers finish what is in them; what nobody has read goes into the old streams, without prefix"
  }),
  apply: Effect.fnUntraced(function* (_, run) {
    const { plan, facts, note } = run
    for (const { stream, subjects } of plan.targets) {
      yield* awaitWindow(run, stream)
      if ((yield* facts)[stream] === undefined) {
        const { state } = yield* streamInfo(stream)
        yield* note({ [stream]: state.last_seq })
      }
      yield* updateStream(stream, { subjects: [...subjects] })
    }
  }),
  // The rollback does it before anything else, for all streams at once.
  revert: () => Effect.void
}
