/**
 * Messages of an old stream that have no copy because their publisher was faster: it repeated them with a prefix, and the
 * new stream, which knew the id from then on, dropped the copy. They are stored once, and not as copies.
 */
import { Effect } from "effect"
import type { MigrationError } from "../MigrationError.ts"
import type { PlannedCopy, PlannedTarget } from "../MigrationPlan.ts"
import type { JetStreamAdmin } from "./JetStreamAdmin.ts"
import { ORIGIN_HEADER } from "./origin.ts"
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
  /** Those of them under whose id the new stream took a repeat: their sequences in the old stream. */
  readonly found: ReadonlySet<number>
}

const keyOf = (subject: string, id: string): string => `${subject} ${id}`

/** Looks for repeats of messages without copy. There are none before a new stream takes subjects itself. */
export const superseded = Effect.fnUntraced(function* (
  target: PlannedTarget,
  copy: PlannedCopy,
  openedAt: number | undefined,
  { isMissing = () => true, ...range }: MissingCopies
): Effect.fn.Return<Superseded, MigrationError, JetStreamAdmin> {
  const found = new Set<number>()
  if (openedAt === undefined) return { missing: 0, found }
  const byKey = new Map<string, Array<number>>()
  let missing = 0
  yield* readMessages(
    { stream: copy.stream, filterSubjects: copy.patterns, headersOnly: true, ...range },
    (message) => {
      if (!isMissing(message.seq)) return
      missing += 1
      const id = message.headers?.get(ID_HEADER) ?? ""
      if (id === "") return
      const key = keyOf(`${target.tenant}.${message.subject}`, id)
      byKey.set(key, [...(byKey.get(key) ?? []), message.seq])
    }
  )
  if (byKey.size === 0) return { missing, found }
  const { state } = yield* streamInfo(target.stream)
  const published = { fromSequence: openedAt + 1, toSequence: state.last_seq }
  yield* readMessages({ stream: target.stream, headersOnly: true, ...published }, ({ subject, headers }) => {
    if (headers === undefined || headers.has(ORIGIN_HEADER)) return
    for (const sequence of byKey.get(keyOf(subject, headers.get(ID_HEADER))) ?? []) found.add(sequence)
  })
  return { missing, found }
})
