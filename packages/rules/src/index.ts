export { decideMessages } from "./decideMessages.ts"
export type { RuleOutcome } from "./internal/protocol.ts"
export { Jdm, RULE_LENGTH_MAX } from "./Jdm.ts"
export { planFor, type RulePlan } from "./planFor.ts"
export { RuleEngine, type RuleToRun, ruleEngineSettings } from "./RuleEngine.ts"
export {
  DEFAULT_GROUPS,
  DecisionGroup,
  groupOf,
  parseRuleSet,
  RULE_BUCKET,
  RuleFormat,
  RuleName,
  RuleResult,
  RuleSet,
  RuleStep,
  ruleKey,
  ruleSetKey
} from "./RuleSet.ts"
export { SHIPPED_RULES, type ShippedRule } from "./shippedRules.ts"
