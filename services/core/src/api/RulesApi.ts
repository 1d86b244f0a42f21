/**
 * A tenant's decision rules: what runs on its raw logs, in which order, and every revision there was. A change is in
 * force within a second; `isPublished` says whether it is.
 */
import { RULE_FAILURE_REASONS } from "@bulkhead/records"
import { Jdm, RuleFormat, RuleName, RuleResult } from "@bulkhead/rules"
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { Authorization } from "./Authorization.ts"
import {
  RefusedProblem,
  RuleRefusedProblem,
  RuleUnknownProblem,
  TenantUnknownProblem,
  UnavailableProblem
} from "./problems.ts"

/** Messages that one request tries rules on, and characters of one. */
export const TRIED_MESSAGES_MAX = 50
const MESSAGE_LENGTH_MAX = 64 * 1024

const revision = Schema.Int.check(Schema.isGreaterThan(0))
const description = Schema.String.check(Schema.isMaxLength(500))

export const RuleState = Schema.Struct({
  name: Schema.String,
  description,
  isEnabled: Schema.Boolean,
  /** The one in force. */
  revision,
  result: RuleResult,
  updatedAt: Schema.DateTimeUtcFromString
}).annotate({ identifier: "RuleState" })
export type RuleState = typeof RuleState.Type

export const RuleGroupState = Schema.Struct({
  name: Schema.String,
  subjects: Schema.Array(Schema.String),
  format: RuleFormat,
  /** In the order in which they run. */
  rules: Schema.Array(Schema.String)
}).annotate({ identifier: "RuleGroupState" })
export type RuleGroupState = typeof RuleGroupState.Type

export const TenantRulesState = Schema.Struct({
  /** The first whose subjects match decides. */
  groups: Schema.Array(RuleGroupState),
  rules: Schema.Array(RuleState),
  isPublished: Schema.Boolean
}).annotate({ identifier: "TenantRulesState" })
export type TenantRulesState = typeof TenantRulesState.Type

export const RuleDetail = Schema.Struct({
  ...RuleState.fields,
  /** Of the revision that was asked for, else of the one in force. */
  shown: revision,
  content: Jdm,
  /** The newest first. */
  revisions: Schema.Array(Schema.Struct({ revision, result: RuleResult, createdAt: Schema.DateTimeUtcFromString }))
}).annotate({ identifier: "RuleDetail" })
export type RuleDetail = typeof RuleDetail.Type

/** What a change came to. */
export const RuleChange = Schema.Struct({ ...RuleState.fields, isPublished: Schema.Boolean }).annotate({
  identifier: "RuleChange"
})
export type RuleChange = typeof RuleChange.Type

export const PutRule = Schema.Struct({
  content: Jdm,
  result: RuleResult,
  description: Schema.optionalKey(description),
  /** The group that gets it as its last rule, where it has it not yet. */
  group: Schema.optionalKey(RuleName)
}).annotate({ identifier: "PutRule" })

export const PutRuleGroup = Schema.Struct({
  rules: Schema.Array(RuleName).check(Schema.isMaxLength(50)),
  /** Needed for a new group; absent they stay as they are. */
  subjects: Schema.optionalKey(
    Schema.Array(Schema.String.check(Schema.isMaxLength(200))).check(Schema.isMinLength(1), Schema.isMaxLength(50))
  ),
  format: Schema.optionalKey(RuleFormat)
}).annotate({ identifier: "PutRuleGroup" })

const messages = Schema.Array(Schema.String.check(Schema.isMaxLength(MESSAGE_LENGTH_MAX))).check(
  Schema.isMinLength(1),
  Schema.isMaxLength(TRIED_MESSAGES_MAX)
)

/** Payloads as they would come, tried on a rule that is stored nowhere, on one that is, or on all of a subject. */
export const ValidateRules = Schema.Union([
  Schema.Struct({ messages, content: Jdm, result: RuleResult }),
  Schema.Struct({ messages, rule: RuleName, revision: Schema.optionalKey(revision) }),
  Schema.Struct({ messages, subject: Schema.String.check(Schema.isMaxLength(200)) })
]).annotate({ identifier: "ValidateRules" })
export type ValidateRules = typeof ValidateRules.Type

/** One for each message: the result as text, or what failed. */
export const RuleTrial = Schema.Union([
  Schema.Struct({ result: Schema.String }),
  Schema.Struct({
    rule: Schema.optionalKey(Schema.String),
    revision: Schema.optionalKey(revision),
    reason: Schema.Literals(RULE_FAILURE_REASONS),
    detail: Schema.String
  })
]).annotate({ identifier: "RuleTrial" })
export type RuleTrial = typeof RuleTrial.Type

const params = { slug: Schema.String }
const ruleParams = { ...params, rule: Schema.String }
const groupParams = { ...params, group: Schema.String }
const known = [TenantUnknownProblem, RuleUnknownProblem, RefusedProblem, UnavailableProblem] as const

export class RulesApi extends HttpApiGroup.make("rules")
  .add(
    HttpApiEndpoint.get("list", "/:slug/rules", { params, success: TenantRulesState, error: [...known] }),
    HttpApiEndpoint.post("validate", "/:slug/rules/validate", {
      params,
      payload: ValidateRules,
      success: Schema.Array(RuleTrial),
      error: [...known, RuleRefusedProblem]
    }).annotate(OpenApi.Description, "What rules make of messages. Nothing is stored, and no message is sent."),
    HttpApiEndpoint.get("get", "/:slug/rules/:rule", {
      params: ruleParams,
      query: Schema.Struct({ revision: Schema.optionalKey(Schema.FiniteFromString.pipe(Schema.decodeTo(revision))) }),
      success: RuleDetail,
      error: [...known]
    }),
    HttpApiEndpoint.put("put", "/:slug/rules/:rule", {
      params: ruleParams,
      payload: PutRule,
      success: RuleChange,
      error: [...known, RuleRefusedProblem]
    }).annotate(
      OpenApi.Description,
      "Stores a revision and puts it into force. What the one in force says already is not stored again."
    ),
    HttpApiEndpoint.post("enable", "/:slug/rules/:rule/enable", {
      params: ruleParams,
      success: RuleChange,
      error: [...known]
    }),
    HttpApiEndpoint.post("disable", "/:slug/rules/:rule/disable", {
      params: ruleParams,
      success: RuleChange,
      error: [...known]
    }).annotate(OpenApi.Description, "It keeps its place in the groups, and does not run."),
    HttpApiEndpoint.post("rollBack", "/:slug/rules/:rule/rollback", {
      params: ruleParams,
      payload: Schema.Struct({ revision }),
      success: RuleChange,
      error: [...known]
    }).annotate(OpenApi.Description, "Puts any revision there is into force."),
    HttpApiEndpoint.delete("delete", "/:slug/rules/:rule", {
      params: ruleParams,
      success: TenantRulesState,
      error: [...known]
    }).annotate(OpenApi.Description, "Removes a rule with its revisions, also from the groups."),
    HttpApiEndpoint.put("putGroup", "/:slug/rule-groups/:group", {
      params: groupParams,
      payload: PutRuleGroup,
      success: TenantRulesState,
      error: [...known, RuleRefusedProblem]
    }).annotate(
      OpenApi.Description,
      "Says which rules a group runs, and in which order. A new group comes before the others."
    ),
    HttpApiEndpoint.delete("deleteGroup", "/:slug/rule-groups/:group", {
      params: groupParams,
      success: TenantRulesState,
      error: [...known]
    }).annotate(OpenApi.Description, "Its rules stay; its subjects are decided on by the next group that matches.")
  )
  .prefix("/v1/tenants")
  .middleware(Authorization) {}
