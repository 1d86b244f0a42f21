/**
 * Dead letters that decision rules failed on run through the rules as they are now, when they are tried again.
 */
import { baseOffset, type TenantSlug } from "@bulkhead/channels"
import { ruleFailureHeaders } from "@bulkhead/records"
import { decideMessages, planFor, type RuleOutcome, type RuleStep, ruleKey } from "@bulkhead/rules"
import { type KeptDeadLetter, RuleStore, type StoredMessage } from "@bulkhead/storage"
import { Effect } from "effect"

const FAILED = ".failed"

/** The subject on which the message first came, without tenant; undefined where no rule was the matter. */
const rawSubjectOf = (subject: string): string | undefined => {
  const base = subject.slice(Math.max(0, baseOffset(subject)))
  return base.startsWith("logs.") && base.endsWith(FAILED) ? base.slice(0, -FAILED.length) : undefined
}

/** The letter as zen-consumer would have published it now. */
const decided = (letter: KeptDeadLetter, outcome: RuleOutcome): StoredMessage =>
  "data" in outcome
    ? { ...letter, subject: `${letter.subject.slice(0, -FAILED.length)}.processed`, payload: outcome.data }
    : { ...letter, headers: ruleFailureHeaders(outcome.failure) }

/** What is decoded in place of the letters of one tenant. */
export const runRulesAgain = Effect.fn("runRulesAgain")(function* (
  tenant: TenantSlug,
  letters: ReadonlyArray<KeptDeadLetter>
) {
  const failed = letters.flatMap((letter) => {
    const subject = rawSubjectOf(letter.subject)
    return subject === undefined ? [] : [{ letter, subject }]
  })
  const results = new Map<number, StoredMessage>()
  if (failed.length === 0) return results
  const { set, contents } = yield* (yield* RuleStore).inForce(tenant)
  const textOf = ({ rule, revision }: RuleStep) => contents.get(ruleKey(tenant, rule, revision))
  for (const [subject, some] of Map.groupBy(failed, (one) => one.subject)) {
    const plan = planFor(set, subject, textOf)
    if (plan === undefined) continue
    const messages = some.map(({ letter: { headers, payload, receivedAt } }) => ({
      subject,
      headers,
      data: payload,
      timestamp: receivedAt
    }))
    const outcomes = yield* decideMessages(tenant, plan, messages)
    for (const [at, { letter }] of some.entries()) results.set(letter.id, decided(letter, outcomes[at] as RuleOutcome))
  }
  return results
})
