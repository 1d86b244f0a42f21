/**
 * A replay as people see it, once or until it has ended.
 */
import type { Replay } from "@bulkhead/core/api"
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { failed } from "../../CommandFailed.ts"
import type { AskCore } from "../../core/askCore.ts"
import { EXIT } from "../../ExitCode.ts"
import { fields } from "../../output/fields.ts"
import { print } from "../../output/print.ts"
import { progress } from "../../output/progress.ts"
import { time } from "../../output/units.ts"

export const id = Argument.Int("id").pipe(Argument.withDescription("The replay's id"))

export const wait = Flag.Boolean("wait").pipe(
  Flag.withDefault(false),
  Flag.withDescription("Wait until it has ended; 1 where it fails or is cancelled")
)

const LOOK_AGAIN = "500 millis"

const hasEnded = ({ status }: Replay): boolean => status === "done" || status === "cancelled" || status === "failed"

const optionalTime = (at: Replay["startedAt"]) => (at === undefined ? undefined : time(at))

export const render = (replay: Replay): string =>
  fields([
    ["replay", replay.id],
    ["status", replay.status],
    ["lane", replay.lane],
    ["from sequence", replay.fromSequence],
    ["at sequence", replay.watermark],
    ["of", replay.laneWatermark],
    ["rows copied", replay.rowsCopied],
    ["rows", replay.rows],
    ["dead letters", replay.deadLetters],
    ["requested", time(replay.requestedAt)],
    ["started", optionalTime(replay.startedAt)],
    ["finished", optionalTime(replay.finishedAt)],
    ["error", replay.error]
  ])

/** Messages that were decoded again, and those there are to decode as far as is known. */
const progressOf = ({ fromSequence, watermark, laneWatermark }: Replay) => ({
  done: watermark === undefined ? 0 : Math.max(0, watermark - fromSequence + 1),
  total: laneWatermark === undefined ? 1 : laneWatermark - fromSequence + 1
})

/** The replay when it has ended. */
const untilEnded = Effect.fnUntraced(function* (ask: AskCore, slug: string, first: Replay) {
  const bar = yield* progress(`replay ${first.id}`)
  let replay = first
  while (!hasEnded(replay)) {
    const { done, total } = progressOf(replay)
    yield* bar.show(done, total, "messages")
    yield* Effect.sleep(LOOK_AGAIN)
    replay = yield* ask((core) => core.replays.get({ params: { slug, id: first.id } }))
  }
  return replay
}, Effect.scoped)

/** Prints it, with `isAwaited` when it has ended; one that did not come to a good end fails the command. */
export const printReplay = Effect.fnUntraced(function* (ask: AskCore, slug: string, first: Replay, isAwaited: boolean) {
  const replay = isAwaited ? yield* untilEnded(ask, slug, first) : first
  yield* print(replay, render)
  if (isAwaited && replay.status !== "done") {
    return yield* failed(
      EXIT.fault,
      `Replay ${replay.id} of "${slug}" is ${replay.status}`,
      "The tables are as they were"
    )
  }
})
