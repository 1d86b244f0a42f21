/**
 * Takes a tenant's rules away, from PostgreSQL and from the bucket.
 */
import type { TenantSlug } from "@bulkhead/channels"
import { purgeSubject, storedUnder } from "@bulkhead/nats"
import { ruleSetKey } from "@bulkhead/rules"
import { RuleStore } from "@bulkhead/storage"
import { Effect } from "effect"
import { RULE_STREAM, subjectOfKey } from "./RuleBucket.ts"

/** Gives how many keys there are after it. */
export const eraseRules = Effect.fn("eraseRules")(function* (tenant: TenantSlug) {
  yield* (yield* RuleStore).erase(tenant)
  const subjects = [subjectOfKey(ruleSetKey(tenant)), `${subjectOfKey(tenant)}.>`]
  yield* Effect.forEach(subjects, (subject) => purgeSubject(RULE_STREAM, subject), { discard: true })
  const left = yield* Effect.forEach(subjects, (subject) => storedUnder(RULE_STREAM, subject))
  return left.reduce((sum, count) => sum + count, 0)
})
