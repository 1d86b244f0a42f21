/**
 * Finds out what becomes of a tenant's messages: the result of its rules, or why there is none.
 */
import { baseOffset, type TenantSlug } from "@bulkhead/channels"
import type { StreamMessage } from "@bulkhead/nats"
import type { RuleFailure } from "@bulkhead/records"
import { RuleEngine, type RuleOutcome, type RulePlan } from "@bulkhead/rules"
import { Effect } from "effect"
import { otlpLogsJson } from "./otlpLogsJson.ts"
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

const unreadable = (detail: string): { readonly failure: RuleFailure } => ({
  failure: { rule: undefined, revision: undefined, reason: "rule_input_unusable", detail }
})

const decideChunk = Effect.fnUntraced(function* (tenant: TenantSlug, chunk: ReadonlyArray<Planned>) {
  const plan = (chunk[0] as Planned).plan
  const documents = chunk.map(({ message }) => {
    const read = plan.format === "otlp_logs" ? otlpLogsJson(message) : message.data
    return read instanceof Error ? unreadable(read.message) : { data: read }
  })
  // Without rules nothing needs to read what passes through.
  if (plan.rules.length === 0)
    return chunk.map(({ message }, at) => ({ message, outcome: documents[at] as RuleOutcome }))
  const readable = documents.flatMap((document) => ("data" in document ? [document.data] : []))
  const results = yield* (yield* RuleEngine).run(tenant, plan.rules, readable)
  let next = 0
  return chunk.map(({ message }, at): Decided => {
    const document = documents[at] as RuleOutcome
    if ("failure" in document) return { message, outcome: document }
    return { message, outcome: results[next++] ?? unreadable("the engine gave no result") }
  })
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
