/**
 * Messages that were sent both ways, without a prefix and with one, and are in the new stream under their prefix alone,
 * because it dropped their copies. After a rollback the old stream gives them out: so they are not brought back, and a
 * reader that has them must go on behind them.
 */
import { ORIGIN_HEADER } from "@bulkhead/nats"
import { Effect } from "effect"
import type { PlannedCopy, PlannedTarget } from "../MigrationPlan.ts"
import { copiedPatterns, lastCopy } from "./copies.ts"
import { openedAtOf } from "./openedAt.ts"
import { parseOrigin } from "./origin.ts"
import { readMessages } from "./readMessages.ts"
import { factNames, numberIn } from "./rollbackFacts.ts"
import { SequenceSet } from "./SequenceSet.ts"
import type { StepRun } from "./StepRun.ts"
import { nextUnder } from "./streamState.ts"
import { superseded } from "./superseded.ts"

/** By sequence in the old stream, the sequence in the new one. Known once the new streams are cut off. */
export const repeatsOf = Effect.fnUntraced(function* (run: StepRun, target: PlannedTarget, copy: PlannedCopy) {
  const openedAt = yield* openedAtOf(run, target.stream)
  if (openedAt === undefined) return new Map<number, number>()
  const facts = yield* run.rollback
  const copied = new SequenceSet()
  const opened = { fromSequence: openedAt + 1, toSequence: numberIn(facts, factNames.end(target.stream)) ?? openedAt }
  const filterSubjects = copiedPatterns(target, copy)
  yield* readMessages({ stream: target.stream, filterSubjects, headersOnly: true, ...opened }, ({ headers }) => {
    const origin = parseOrigin(headers?.get(ORIGIN_HEADER))
    if (origin?.stream === copy.stream) copied.add(origin.sequence)
  })
  const { origin: copiedBefore } = yield* lastCopy(target, copy, undefined, openedAt)
  const { found } = yield* superseded(target, copy, openedAt, {
    fromSequence: copiedBefore + 1,
    toSequence: numberIn(facts, factNames.through(copy.stream)) ?? 0,
    isMissing: (sequence) => !copied.has(sequence)
  })
  return found
})

/** How far a reader of a new stream has come, counted in an old one. */
export interface Reached {
  /** Everything up to here was read. */
  readonly origin: number
  /** Messages behind it that were read too: they were sent with a prefix before their copies could come. */
  readonly ahead: ReadonlyArray<number>
}

/** Where a reader that has not finished goes on. `sequence` is how far it came in the new stream. */
export const reachedIn = Effect.fnUntraced(function* (
  run: StepRun,
  target: PlannedTarget,
  copy: PlannedCopy,
  sequence: number
) {
  let { origin } = yield* lastCopy(target, copy, yield* openedAtOf(run, target.stream), sequence)
  const read = new Set(
    [...(yield* repeatsOf(run, target, copy))].filter(([, repeat]) => repeat <= sequence).map(([original]) => original)
  )
  let next = yield* nextUnder(copy.stream, copy.patterns, origin + 1)
  while (next !== undefined && read.has(next.sequence)) {
    origin = next.sequence
    next = yield* nextUnder(copy.stream, copy.patterns, origin + 1)
  }
  const reached: Reached = { origin, ahead: [...read].filter((original) => original > origin) }
  return reached
})
