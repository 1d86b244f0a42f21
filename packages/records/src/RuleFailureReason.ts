/** Every reason for which decision rules give no result: the metric label, the header and the column of the dead letter. */
export const RULE_FAILURE_REASONS = [
  /** No model that the engine takes. */
  "rule_invalid",
  /** The engine says so. */
  "rule_failed",
  /** Out of time or memory. */
  "rule_exhausted",
  /** A result that cannot be used. */
  "rule_result_unusable",
  /** A message that no rule can read. */
  "rule_input_unusable"
] as const

export type RuleFailureReason = (typeof RULE_FAILURE_REASONS)[number]

export const isRuleFailureReason = (text: string): text is RuleFailureReason =>
  (RULE_FAILURE_REASONS as ReadonlyArray<string>).includes(text)
