/**
 * Messages of an old stream that have no copy because their publisher was faster: it repeated them with a prefix, and the
 * new stream, which knew the id from then on, dropped the copy. They are stored once, and not as copies.
 */
import { ORIGIN_HEADER } from "@bulkhead/nats"
import { Effect } from "effect"
import type { MigrationError } from "../MigrationError.ts"
import type { PlannedCopy, PlannedTarget } from "../MigrationPlan.ts"
import type { JetStreamAdmin } from "./JetStreamAdmin.ts"
import { ID_HEADER } from "./putBack.ts"
import { readMessages } from "./readMessages.ts"
import { streamInfo } from "./streamState.ts"

export interface MissingCopies {
  readonly fromSequence: number
  readonly toSequence: number
  /** Whether a message of the old stream has no copy; all of the range when absent. */
  readonly isMissing?: (sequence: number) => boolean
}

export interface Superseded {
  /** How many messages have no copy. */
  readonly missing: number
  /**
   * Those of them under whose id the new stream took a repeat: by their sequences in the old stream, the repeat's in the
   * new one.
   */
  readonly found: ReadonlyMap<number, number>
}

const keyOf = (subject: string, id: string): string => `${subject} ${id}`

interface Uncopied {
  readonly sequence: number
  readonly atNanos: bigint
}

interface Repeat {
  readonly sequence: number
  /** How far apart the two came. */
  readonly nanos: bigint
}

const between = (a: bigint, b: bigint): bigint => (a > b ? a - b : b - a)

/** Looks for repeats of messages without copy. There are none before a new stream takes subjects itself. */
export const superseded = Effect.fnUntraced(function* (
  target: PlannedTarget,
  copy: PlannedCopy,
  openedAt: number | undefined,
  { isMissing = () => true, ...range }: MissingCopies
): Effect.fn.Return<Superseded, MigrationError, JetStreamAdmin> {
  if (openedAt === undefined) return { missing: 0, found: new Map() }
  const byKey = new Map<string, Array<Uncopied>>()
  let missing = 0
  yield* readMessages(
    { stream: copy.stream, filterSubjects: copy.patterns, headersOnly: true, ...range },
    (message) => {
      if (!isMissing(message.seq)) return
      missing += 1
      const id = message.headers?.get(ID_HEADER) ?? ""
      if (id === "") return
      const key = keyOf(`${target.tenant}.${message.subject}`, id)
      byKey.set(key, [...(byKey.get(key) ?? []), { sequence: message.seq, atNanos: message.timestampNanos }])
    }
  )
  if (byKey.size === 0) return { missing, found: new Map() }
  const { state } = yield* streamInfo(target.stream)
  const published = { fromSequence: openedAt + 1, toSequence: state.last_seq }
  /** An id may come again once its window is over: the repeat is the one that came nearest. */
  const nearest = new Map<number, Repeat>()
  yield* readMessages({ stream: target.stream, headersOnly: true, ...published }, (message) => {
    const { subject, headers, seq, timestampNanos } = message
    if (headers === undefined || headers.has(ORIGIN_HEADER)) return
    for (const { sequence, atNanos } of byKey.get(keyOf(subject, headers.get(ID_HEADER))) ?? []) {
      const nanos = between(timestampNanos, atNanos)
      const known = nearest.get(sequence)
      if (known === undefined || nanos < known.nanos) nearest.set(sequence, { sequence: seq, nanos })
    }
  })
  return { missing, found: new Map([...nearest].map(([sequence, repeat]) => [sequence, repeat.sequence])) }
})
