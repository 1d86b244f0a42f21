/**
 * Finds out what becomes of messages that are all decided on by one plan.
 */
import type { TenantSlug } from "@bulkhead/channels"
import type { ReceivedMessage, RuleFailure } from "@bulkhead/records"
import { Effect } from "effect"
import { otlpLogsJson } from "./internal/otlpLogsJson.ts"
import type { RuleOutcome } from "./internal/protocol.ts"
import type { RulePlan } from "./planFor.ts"
import { RuleEngine } from "./RuleEngine.ts"

const unreadable = (detail: string): { readonly failure: RuleFailure } => ({
  failure: { rule: undefined, revision: undefined, reason: "rule_input_unusable", detail }
})

/** An outcome for each message, in order. Without rules nothing reads what passes through. */
export const decideMessages = Effect.fnUntraced(function* (
  tenant: TenantSlug,
  { format, rules }: RulePlan,
  messages: ReadonlyArray<ReceivedMessage>
): Effect.fn.Return<ReadonlyArray<RuleOutcome>, never, RuleEngine> {
  const documents = messages.map((message): RuleOutcome => {
    const read = format === "otlp_logs" ? otlpLogsJson(message) : message.data
    return read instanceof Error ? unreadable(read.message) : { data: read }
  })
  if (rules.length === 0) return documents
  const readable = documents.flatMap((document) => ("data" in document ? [document.data] : []))
  const results = yield* (yield* RuleEngine).run(tenant, rules, readable)
  let next = 0
  return documents.map((document) =>
    "failure" in document ? document : (results[next++] ?? unreadable("the engine gave no result"))
  )
})
