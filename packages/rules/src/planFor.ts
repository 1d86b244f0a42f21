/**
 * What is done with the messages of one subject: the rules that run on them now, with their texts.
 */
import type { RuleToRun } from "./RuleEngine.ts"
import { DEFAULT_GROUPS, groupOf, type RuleFormat, type RuleSet, type RuleStep } from "./RuleSet.ts"

export interface RulePlan {
  readonly format: RuleFormat
  readonly rules: ReadonlyArray<RuleToRun>
}

/**
 * The plan for a base subject by a tenant's set, or by the default groups where it says nothing of it; undefined where
 * nothing is decided on it. A rule without text is passed over.
 */
export const planFor = (
  set: RuleSet | undefined,
  subject: string,
  contentOf: (step: RuleStep) => string | undefined
): RulePlan | undefined => {
  const group = (set && groupOf(set, subject)) ?? groupOf({ groups: DEFAULT_GROUPS }, subject)
  if (group === undefined) return undefined
  const rules = group.rules.flatMap((step) => {
    const content = contentOf(step)
    return content === undefined ? [] : [{ ...step, content }]
  })
  return { format: group.format, rules }
}
