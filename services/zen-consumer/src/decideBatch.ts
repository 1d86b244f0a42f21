/**
 * Finds out what becomes of a tenant's messages: the result of its rules, or why there is none.
 */
import { baseOffset, type TenantSlug } from "@bulkhead/channels"
import type { StreamMessage } from "@bulkhead/nats"
import { decideMessages, type RuleOutcome, type RulePlan } from "@bulkhead/rules"
import { Effect } from "effect"
import { RuleBook } from "./RuleBook.ts"
import { isRaw } from "./rawSubjects.ts"

/** A message and what became of it. */
export interface Decided {
  readonly message: StreamMessage
  readonly outcome: RuleOutcome
}

/** So many messages are given to a process of the engine at a time. */
const CHUNK_MESSAGES = 50
const CHUNKS_AT_ONCE = 4

interface Planned {
  readonly message: StreamMessage
  readonly plan: RulePlan
}

const sameRules = (one: RulePlan, other: RulePlan): boolean =>
  one.format === other.format &&
  one.rules.length === other.rules.length &&
  one.rules.every(({ rule, revision }, at) => rule === other.rules[at]?.rule && revision === other.rules[at]?.revision)

/** Cuts messages where another plan begins or a chunk is full. */
const inChunks = (messages: ReadonlyArray<Planned>): ReadonlyArray<ReadonlyArray<Planned>> => {
  const chunks: Array<Array<Planned>> = []
  for (const planned of messages) {
    const last = chunks.at(-1)
    const isFull = last === undefined || last.length >= CHUNK_MESSAGES
    if (isFull || !sameRules((last[0] as Planned).plan, planned.plan)) chunks.push([planned])
    else last.push(planned)
  }
  return chunks
}

const decideChunk = Effect.fnUntraced(function* (tenant: TenantSlug, chunk: ReadonlyArray<Planned>) {
  const messages = chunk.map(({ message }) => message)
  const outcomes = yield* decideMessages(tenant, (chunk[0] as Planned).plan, messages)
  return messages.map((message, at): Decided => ({ message, outcome: outcomes[at] as RuleOutcome }))
})

/** What became of each message that somebody decides on, in order. */
export const decideBatch = Effect.fnUntraced(function* (tenant: TenantSlug, messages: ReadonlyArray<StreamMessage>) {
  const book = yield* RuleBook
  const planned = messages.flatMap((message) => {
    const subject = message.subject.slice(Math.max(0, baseOffset(message.subject)))
    const plan = isRaw(subject) ? book.plan(tenant, subject) : undefined
    return plan === undefined ? [] : [{ message, plan }]
  })
  const decided = yield* Effect.forEach(inChunks(planned), (chunk) => decideChunk(tenant, chunk), {
    concurrency: CHUNKS_AT_ONCE
  })
  return decided.flat()
})
