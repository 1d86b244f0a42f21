/**
 * Why a payload can never become a row. The decoder returns it as a value: it is not a failure of ours but a property
 * of one message, which the writer keeps as a dead letter with the reason, the path and the text below.
 */

import { RULE_FAILURE_REASONS } from "./RuleFailureReason.ts"

/** Every reason there is: the metric label, the column of the dead letter and the log field. */
export const DECODE_REASONS = [
  "too_large",
  "not_utf8",
  "malformed_json",
  "not_an_object",
  "too_deep",
  "missing_field",
  "invalid_field",
  "unstorable_text",
  "unstorable_number",
  ...RULE_FAILURE_REASONS
] as const

export type DecodeReason = (typeof DECODE_REASONS)[number]

/** A message that no retry will ever decode. */
export class DecodeError extends Error {
  override readonly name = "DecodeError"
  readonly isRetryable = false
  readonly reason: DecodeReason
  /** Where in the document, as a JSON path: `$` is the document, `$.metadata.labels[2]` a value inside it. */
  readonly path: string

  constructor(reason: DecodeReason, path: string, problem: string) {
    super(`${path}: ${problem}`)
    this.reason = reason
    this.path = path
  }
}
