/**
 * Relates places in an old stream to places in the new one that copies from it. The server copies in order, and writes
 * into each copy which message it is of: all that is known of places comes from there.
 */
import { ORIGIN_HEADER } from "@bulkhead/nats"
import { Effect } from "effect"
import type { MigrationPlan, PlannedCopy, PlannedTarget } from "../MigrationPlan.ts"
import { parseOrigin } from "./origin.ts"
import { readMessages } from "./readMessages.ts"
import { lastUnder, nextUnder, streamInfo } from "./streamState.ts"
import { superseded } from "./superseded.ts"

/** The patterns of a copy as they look in the new stream. */
export const copiedPatterns = ({ tenant }: PlannedTarget, { patterns }: PlannedCopy): ReadonlyArray<string> =>
  patterns.map((pattern) => `${tenant}.${pattern}`)

/** A message of the old stream and where its copy is. */
export interface Place {
  readonly origin: number
  readonly sequence: number
}

const NOWHERE: Place = { origin: 0, sequence: 0 }

/** Both ends of each copy of an old stream. */
export const copiesOf = (plan: MigrationPlan, stream: string) =>
  plan.targets.flatMap((target) =>
    target.copies.filter((copy) => copy.stream === stream).map((copy) => ({ target, copy }))
  )

/** The newest copy that lies between two sequences of the new stream. */
const scanForCopy = Effect.fnUntraced(function* (
  target: PlannedTarget,
  copy: PlannedCopy,
  range: { readonly fromSequence: number; readonly toSequence: number }
) {
  let place: Place | undefined
  const filterSubjects = copiedPatterns(target, copy)
  yield* readMessages({ stream: target.stream, filterSubjects, headersOnly: true, ...range }, (message) => {
    const origin = parseOrigin(message.headers?.get(ORIGIN_HEADER))
    if (origin?.stream === copy.stream) place = { origin: origin.sequence, sequence: message.seq }
  })
  return place as Place | undefined
})

/**
 * The last copy, up to a sequence of the new stream, of a message at or before `origin`. Up to there the stream holds
 * copies alone.
 */
export const placeOf = Effect.fnUntraced(function* (
  target: PlannedTarget,
  copy: PlannedCopy,
  origin: number,
  toSequence: number
) {
  const patterns = copiedPatterns(target, copy)
  let [place, low, high] = [NOWHERE, 0, toSequence + 1]
  while (low + 1 < high) {
    const middle = Math.floor((low + high) / 2)
    const message = yield* nextUnder(target.stream, patterns, middle)
    const found = message?.origin?.sequence ?? Number.POSITIVE_INFINITY
    if (message !== undefined && message.sequence <= toSequence && found <= origin) {
      low = message.sequence
      place = { origin: found, sequence: message.sequence }
    } else high = middle
  }
  return place
})

/**
 * The last copy in a new stream at or before `toSequence`. What lies behind `openedAt` may have been published into the
 * new stream itself, and is looked through; before it there are only copies.
 */
export const lastCopy = Effect.fnUntraced(function* (
  target: PlannedTarget,
  copy: PlannedCopy,
  openedAt: number | undefined,
  toSequence: number
) {
  if (openedAt !== undefined && toSequence > openedAt) {
    const place = yield* scanForCopy(target, copy, { fromSequence: openedAt + 1, toSequence })
    if (place !== undefined) return place
  }
  return yield* placeOf(target, copy, Number.MAX_SAFE_INTEGER, Math.min(openedAt ?? toSequence, toSequence))
})

const LOOK_EVERY = "50 millis"
/** Ids are looked up this rarely: one message after another is read for them. */
const LOOKS_PER_IDS = 20

/** Waits until every message that the old stream holds now under the copy's patterns has been copied, or superseded. */
export const awaitCopied = Effect.fnUntraced(function* (
  target: PlannedTarget,
  copy: PlannedCopy,
  openedAt: number | undefined,
  onProgress: (copied: number, of: number) => void
) {
  const newest = yield* lastUnder(copy.stream, copy.patterns)
  if (newest === undefined) return
  let lookedTo = (yield* streamInfo(target.stream)).state.last_seq
  let last = yield* lastCopy(target, copy, openedAt, lookedTo)
  for (let looks = 1; last.origin < newest.sequence; looks += 1) {
    onProgress(last.origin, newest.sequence)
    yield* Effect.sleep(LOOK_EVERY)
    if (looks % LOOKS_PER_IDS === 0) {
      const range = { fromSequence: last.origin + 1, toSequence: newest.sequence }
      const { found, missing } = yield* superseded(target, copy, openedAt, range)
      if (missing > 0 && found.size === missing) break
    }
    const toSequence = (yield* streamInfo(target.stream)).state.last_seq
    if (toSequence === lookedTo) continue
    last =
      openedAt === undefined
        ? yield* lastCopy(target, copy, undefined, toSequence)
        : ((yield* scanForCopy(target, copy, { fromSequence: lookedTo + 1, toSequence })) ?? last)
    lookedTo = toSequence
  }
  onProgress(newest.sequence, newest.sequence)
})
