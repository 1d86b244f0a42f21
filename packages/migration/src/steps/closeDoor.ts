/**
 * Ends what is published without prefix: the old stream takes nothing more, and its publishers are told so by the server.
 * It keeps what it holds.
 */
import { Effect } from "effect"
import { sourceOf } from "../internal/planned.ts"
import type { StepKind, StepOf } from "../internal/StepRun.ts"
import { updateStream } from "../internal/streamState.ts"
import { closedSubject } from "../MigrationPlan.ts"

export const closeDoor: StepKind<StepOf<"CloseDoor">> = {
  describe: ({ stream }, plan) => {
    const subjects = sourceOf(plan, stream).subjects.join(", ")
    return {
      does: `"${stream}" takes ${subjects} no more; who publishes there is refused`,
      undoes: `"${stream}" takes ${subjects} again`
    }
  },
  apply: Effect.fnUntraced(function* ({ stream }) {
    yield* updateStream(stream, { subjects: [closedSubject(stream)] })
  }),
  revert: Effect.fnUntraced(function* ({ stream }, { plan }) {
    yield* updateStream(stream, { subjects: [...sourceOf(plan, stream).subjects] })
  })
}
