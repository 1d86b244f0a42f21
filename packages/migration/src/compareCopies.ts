/**
 * Proves that the copies of an old stream are what it holds: both are read whole, and compared subject by subject. What
 * arrives meanwhile, and what the old stream lets go, does not disturb it: copies are compared with exactly those messages
 * that were read. A message whose repeat the new stream took instead of its copy is not compared.
 */
import { ORIGIN_HEADER } from "@bulkhead/nats"
import { Effect } from "effect"
import { awaitCopied, copiedPatterns, copiesOf } from "./internal/copies.ts"
import { parseOrigin } from "./internal/origin.ts"
import { patternCovers } from "./internal/patterns.ts"
import { readMessages } from "./internal/readMessages.ts"
import { SequenceSet } from "./internal/SequenceSet.ts"
import { StreamDigest, type SubjectDigest } from "./internal/StreamDigest.ts"
import { storedSubjects, streamInfo } from "./internal/streamState.ts"
import { superseded } from "./internal/superseded.ts"
import type { MigrationPlan, PlannedCopy, PlannedTarget } from "./MigrationPlan.ts"

/** One subject, as the old stream and as the copies have it. */
export interface SubjectComparison {
  readonly subject: string
  readonly original: SubjectDigest | undefined
  readonly copy: SubjectDigest | undefined
  readonly isEqual: boolean
}

export interface Comparison {
  readonly stream: string
  readonly messages: number
  readonly subjects: ReadonlyArray<SubjectComparison>
  /** Subjects that no new stream copies, because no pattern takes them. */
  readonly unclaimed: ReadonlyArray<string>
}

/** Told how many messages of how many were read. */
export type OnRead = (read: number, of: number) => void

/** All that is stored now, except for what was `left` out. */
const readOriginals = Effect.fnUntraced(function* (
  stream: string,
  patterns: ReadonlyArray<string>,
  onRead: OnRead,
  isLeft: (sequence: number) => boolean = () => false
) {
  const { state } = yield* streamInfo(stream)
  const seen = new SequenceSet()
  const digest = new StreamDigest()
  const range = { fromSequence: state.first_seq, toSequence: state.last_seq }
  const onProgress = () => onRead(digest.messages, state.messages)
  yield* readMessages({ stream, filterSubjects: patterns, ...range, onProgress }, (message) => {
    if (isLeft(message.seq)) return
    seen.add(message.seq)
    digest.add(message.subject, message.headers, message.data)
  })
  return { seen, digest, ...range }
})

const readCopies = Effect.fnUntraced(function* (
  { target, copy }: { readonly target: PlannedTarget; readonly copy: PlannedCopy },
  seen: SequenceSet,
  digest: StreamDigest,
  onRead: OnRead
) {
  const { state } = yield* streamInfo(target.stream)
  const origins = new SequenceSet()
  const prefixed = target.tenant.length + 1
  let read = 0
  const range = { fromSequence: state.first_seq, toSequence: state.last_seq }
  const filterSubjects = copiedPatterns(target, copy)
  const onProgress = () => onRead(read, state.messages)
  yield* readMessages({ stream: target.stream, filterSubjects, ...range, onProgress }, (message) => {
    read += 1
    const origin = parseOrigin(message.headers?.get(ORIGIN_HEADER))
    if (origin?.stream !== copy.stream || !seen.has(origin.sequence)) return
    origins.add(origin.sequence)
    digest.add(message.subject.slice(prefixed), message.headers, message.data)
  })
  return origins
})

const areEqual = (a: SubjectDigest | undefined, b: SubjectDigest | undefined): boolean =>
  a?.messages === b?.messages && a?.sum === b?.sum && a?.chain === b?.chain

/** Compares all that is stored now, once the copies have caught up. `openedAt` gives where each new stream was opened. */
export const compareCopies = Effect.fn("compareCopies")(function* (
  plan: MigrationPlan,
  stream: string,
  openedAt: (target: string) => number | undefined,
  onRead: OnRead = () => {}
) {
  const copies = copiesOf(plan, stream)
  const patterns = copies.flatMap(({ copy }) => copy.patterns)
  const { seen, digest: originals, ...range } = yield* readOriginals(stream, patterns, onRead)
  for (const { target, copy } of copies) yield* awaitCopied(target, copy, openedAt(target.stream), () => {})
  const copied = new StreamDigest()
  const origins: Array<SequenceSet> = []
  for (const ends of copies) origins.push(yield* readCopies(ends, seen, copied, onRead))
  const compare = ({ subjects: before }: StreamDigest) => {
    const after = copied.subjects
    return [...new Set([...before.keys(), ...after.keys()])].sort().map((subject): SubjectComparison => {
      const [original, copy] = [before.get(subject), after.get(subject)]
      return { subject, original, copy, isEqual: areEqual(original, copy) }
    })
  }
  let subjects = compare(originals)
  if (!subjects.every(({ isEqual }) => isEqual)) {
    const isMissing = (sequence: number) => seen.has(sequence) && !origins.some((some) => some.has(sequence))
    const left = new Set<number>()
    for (const { target, copy } of copies) {
      const { found } = yield* superseded(target, copy, openedAt(target.stream), { ...range, isMissing })
      for (const sequence of found.keys()) left.add(sequence)
    }
    const isLeft = (sequence: number) => left.has(sequence) || !seen.has(sequence)
    if (left.size > 0) subjects = compare((yield* readOriginals(stream, patterns, onRead, isLeft)).digest)
  }
  const comparison: Comparison = {
    stream,
    messages: originals.messages,
    subjects,
    unclaimed: (yield* storedSubjects(stream)).filter((one) => !patterns.some((pattern) => patternCovers(pattern, one)))
  }
  return comparison
})
