/**
 * What a tenant decides on: its decision groups, each with subjects and the rules that run on them in order. One such
 * set lies in the bucket under the tenant's slug; the rules themselves lie beside it, each revision for ever the same.
 */
import { subjectMatches, type TenantSlug } from "@bulkhead/channels"
import { Option, Schema } from "effect"

/** The KV bucket that zen-consumer follows. */
export const RULE_BUCKET = "bulkhead-rules"

/** How many rules run on one message, and how many groups a tenant has. */
const RULES_MAX = 50
const GROUPS_MAX = 50

export const RuleName = Schema.String.check(Schema.isPattern(/^[a-z][a-z0-9_-]{0,62}$/))

/** What becomes of a rule's result: it is laid over the message, or it is the message from there on. */
export const RuleResult = Schema.Literals(["overlay", "replace"])
export type RuleResult = typeof RuleResult.Type

/** One rule in a group. */
export const RuleStep = Schema.Struct({
  rule: RuleName,
  revision: Schema.Int.check(Schema.isGreaterThan(0)),
  result: RuleResult
}).annotate({ identifier: "RuleStep" })
export type RuleStep = typeof RuleStep.Type

/** How a group's payloads are read: JSON, or a request of OTLP logs in protobuf or JSON, whose records are decided on. */
export const RuleFormat = Schema.Literals(["json", "otlp_logs"])
export type RuleFormat = typeof RuleFormat.Type

export const DecisionGroup = Schema.Struct({
  name: RuleName,
  /** Base subjects or patterns, `logs.syslog`. */
  subjects: Schema.Array(Schema.String).check(Schema.isMinLength(1)),
  format: RuleFormat,
  rules: Schema.Array(RuleStep).check(Schema.isMaxLength(RULES_MAX))
}).annotate({ identifier: "DecisionGroup" })
export type DecisionGroup = typeof DecisionGroup.Type

/** The first group whose subjects match decides. */
export const RuleSet = Schema.Struct({
  groups: Schema.Array(DecisionGroup).check(Schema.isMaxLength(GROUPS_MAX))
}).annotate({ identifier: "RuleSet" })
export type RuleSet = typeof RuleSet.Type

/** The groups of a tenant that has said nothing else: raw logs, without a rule. */
export const DEFAULT_GROUPS: ReadonlyArray<DecisionGroup> = [
  { name: "syslog", subjects: ["logs.syslog"], format: "json", rules: [] },
  { name: "snmp", subjects: ["logs.snmp"], format: "json", rules: [] },
  { name: "otel", subjects: ["logs.otel"], format: "otlp_logs", rules: [] },
  { name: "internal", subjects: ["logs.internal.>"], format: "json", rules: [] }
]

const decodeRuleSet = Schema.decodeUnknownOption(Schema.fromJsonString(RuleSet))

/** Reads a set as the bucket has it; undefined for a text that is none. */
export const parseRuleSet = (text: string): RuleSet | undefined => Option.getOrUndefined(decodeRuleSet(text))

/** The group that decides on a base subject. */
export const groupOf = ({ groups }: RuleSet, subject: string): DecisionGroup | undefined =>
  groups.find(({ subjects }) => subjects.some((pattern) => subjectMatches(pattern, subject)))

/** Where a tenant's set lies. */
export const ruleSetKey = (tenant: TenantSlug): string => tenant

/** Where one revision of a rule lies. */
export const ruleKey = (tenant: TenantSlug, rule: string, revision: number): string => `${tenant}.${rule}.${revision}`
