/**
 * What a message says of itself that decision rules had no result for: it comes whole on `<subject>.failed`, with the
 * failure in its headers.
 */
import { DecodeError } from "./DecodeError.ts"
import type { ReceivedMessage } from "./Decoder.ts"
import { isRuleFailureReason, type RuleFailureReason } from "./RuleFailureReason.ts"

/** Why rules gave no result. */
export interface RuleFailure {
  /** The rule that failed; undefined where the message is nothing that any rule could read. */
  readonly rule: string | undefined
  readonly revision: number | undefined
  readonly reason: RuleFailureReason
  /** For a person: which value, which limit. */
  readonly detail: string
}

const HEADERS = {
  rule: "Bulkhead-Rule",
  revision: "Bulkhead-Rule-Revision",
  reason: "Bulkhead-Reason",
  detail: "Bulkhead-Detail"
} as const

/** Characters of a detail in a header. */
const DETAIL_LENGTH_MAX = 1_000

/** A header is one line of ASCII. */
const inOneLine = (text: string): string => text.replace(/[^ -~]+/g, " ").slice(0, DETAIL_LENGTH_MAX)

/** The headers that carry a failure. */
export const ruleFailureHeaders = ({ rule, revision, reason, detail }: RuleFailure): Record<string, string> => ({
  ...(rule === undefined ? {} : { [HEADERS.rule]: inOneLine(rule) }),
  ...(revision === undefined ? {} : { [HEADERS.revision]: String(revision) }),
  [HEADERS.reason]: reason,
  [HEADERS.detail]: inOneLine(detail)
})

/** Why a message of `<subject>.failed` is no row, until rules are run again. Anybody may have written its headers. */
export const ruleFailureOf = ({ headers }: ReceivedMessage): DecodeError => {
  const reason = headers[HEADERS.reason] ?? ""
  const rule = headers[HEADERS.rule]
  const revision = headers[HEADERS.revision] ?? "unknown"
  const detail = headers[HEADERS.detail] ?? "it says no reason"
  return new DecodeError(
    isRuleFailureReason(reason) ? reason : "rule_failed",
    "$",
    rule === undefined ? detail : `rule "${rule}" revision ${revision}: ${detail}`
  )
}
