/**
 * What the rules API does: it checks what PostgreSQL cannot, changes the rules there, and waits until the bucket follows.
 */
import { isTenantSlug, patternsOverlap, type TenantSlug } from "@bulkhead/channels"
import { READERS } from "@bulkhead/nats"
import {
  type Jdm,
  planFor,
  RuleEngine,
  RuleName,
  type RuleOutcome,
  type RuleStep,
  type RuleToRun,
  ruleKey
} from "@bulkhead/rules"
import { RuleStore, StorageError, type StoredRule } from "@bulkhead/storage"
import { DateTime, Effect, Schedule, Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { CoreApi } from "./CoreApi.ts"
import {
  RefusedProblem,
  RuleRefusedProblem,
  RuleUnknownProblem,
  type TenantUnknownProblem,
  type UnavailableProblem
} from "./problems.ts"
import type { RuleState, RuleTrial, TenantRulesState, ValidateRules } from "./RulesApi.ts"
import { unavailable, unknownTenant } from "./tenantFailures.ts"

type Problem = RuleUnknownProblem | RefusedProblem | TenantUnknownProblem | UnavailableProblem

const problemOf = (tenant: string, error: StorageError): Effect.Effect<never, Problem> => {
  switch (error.reason._tag) {
    case "TenantUnknown":
      return unknownTenant(tenant)
    case "RuleUnknown":
      return Effect.fail(new RuleUnknownProblem({ detail: error.reason.message }))
    case "RuleLimit":
    case "TenantDeleting":
      return Effect.fail(new RefusedProblem({ detail: `${error.reason.message}. Nothing was changed` }))
    default:
      return unavailable(error)
  }
}

/** How long an answer waits until the bucket says the same. */
const PUBLISHED_WITHIN = "3 seconds"

const stateOf = ({ updatedAt, ...rule }: StoredRule): RuleState => ({
  ...rule,
  updatedAt: DateTime.makeUnsafe(updatedAt)
})

const refused = (detail: string) => new RuleRefusedProblem({ detail: `${detail}. Nothing was changed` })

const isRuleName = Schema.is(RuleName)

const checkName = (what: string, name: string) =>
  isRuleName(name)
    ? Effect.void
    : Effect.fail(
        refused(`"${name}" is no name of a ${what}: use a-z, 0-9, _ and -, a letter first, 63 characters at most`)
      )

const rawPatterns = READERS.zenConsumer.patterns

const checkSubjects = (subjects: ReadonlyArray<string>) => {
  const other = subjects.find((subject) => !rawPatterns.some((raw) => patternsOverlap(raw, subject)))
  return other === undefined
    ? Effect.void
    : Effect.fail(refused(`No raw log comes on "${other}". Those that are decided on: ${rawPatterns.join(", ")}`))
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const trialOf = (outcome: RuleOutcome): RuleTrial => {
  if ("data" in outcome) return { result: decoder.decode(outcome.data) }
  const { rule, revision, reason, detail } = outcome.failure
  return {
    ...(rule === undefined ? {} : { rule }),
    ...(revision === undefined ? {} : { revision }),
    reason,
    detail
  }
}

/** A rule that is stored nowhere yet. */
const draftRule = (name: string, content: Jdm, result: RuleToRun["result"]): RuleToRun => ({
  rule: name,
  revision: 1,
  result,
  content: JSON.stringify(content)
})

export const RulesHandlers = HttpApiBuilder.group(
  CoreApi,
  "rules",
  Effect.fn(function* (handlers) {
    const store = yield* RuleStore
    const engine = yield* RuleEngine

    const ask = <A, E>(slug: string, work: (tenant: TenantSlug) => Effect.Effect<A, E | StorageError>) =>
      isTenantSlug(slug)
        ? Effect.catch(
            work(slug),
            (error): Effect.Effect<never, Exclude<E, StorageError> | Problem> =>
              error instanceof StorageError ? problemOf(slug, error) : Effect.fail(error as Exclude<E, StorageError>)
          )
        : unknownTenant(slug)

    const stateNow = (tenant: TenantSlug) =>
      Effect.map(
        store.list(tenant),
        ({ groups, rules, isPublished }): TenantRulesState => ({ groups, rules: rules.map(stateOf), isPublished })
      )

    /** The rules as soon as the bucket has them too, or as they stand when the time is over. */
    const whenPublished = (tenant: TenantSlug) =>
      stateNow(tenant).pipe(
        Effect.repeat({ schedule: Schedule.spaced("25 millis"), until: ({ isPublished }) => isPublished }),
        Effect.timeoutOrElse({ duration: PUBLISHED_WITHIN, orElse: () => stateNow(tenant) })
      )

    const told = (tenant: TenantSlug, change: string, details: Readonly<Record<string, unknown>>) =>
      Effect.logInfo("a tenant's rules were changed", { tenant, change, ...details })

    /** Makes one change of one rule, tells of it, and says how it stands. */
    const changeRule = (
      slug: string,
      change: string,
      work: (tenant: TenantSlug) => Effect.Effect<StoredRule, StorageError>
    ) =>
      ask(slug, (tenant) =>
        Effect.gen(function* () {
          const rule = yield* work(tenant)
          yield* told(tenant, change, { rule: rule.name, revision: rule.revision })
          const { isPublished } = yield* whenPublished(tenant)
          return { ...stateOf(rule), isPublished }
        })
      )

    /** A rule that no engine can read is told from one that fails on this message. */
    const checkRule = Effect.fnUntraced(function* (tenant: TenantSlug, rule: RuleToRun) {
      const [outcome] = yield* engine.run(tenant, [rule], [encoder.encode("{}")])
      if (outcome !== undefined && "failure" in outcome && outcome.failure.reason === "rule_invalid") {
        return yield* refused(`Rule "${rule.rule}" cannot be compiled: ${outcome.failure.detail}`)
      }
    })

    const rulesToTry = Effect.fnUntraced(function* (tenant: TenantSlug, asked: ValidateRules) {
      if ("content" in asked) return [draftRule("draft", asked.content, asked.result)]
      if ("rule" in asked) {
        const { revision, result, content } = yield* store.revision(tenant, asked.rule, asked.revision)
        return [{ rule: asked.rule, revision, result, content }]
      }
      yield* checkSubjects([asked.subject])
      const { set, contents } = yield* store.inForce(tenant)
      const textOf = ({ rule, revision }: RuleStep) => contents.get(ruleKey(tenant, rule, revision))
      return planFor(set, asked.subject, textOf)?.rules ?? []
    })

    return handlers.handleAll({
      list: ({ params: { slug } }) => ask(slug, stateNow),
      validate: ({ params: { slug }, payload }) =>
        ask(slug, (tenant) =>
          Effect.gen(function* () {
            yield* store.list(tenant)
            const rules = yield* rulesToTry(tenant, payload)
            const messages = payload.messages.map((message) => encoder.encode(message))
            return (yield* engine.run(tenant, rules, messages)).map(trialOf)
          })
        ),
      get: ({ params: { slug, rule: name }, query }) =>
        ask(slug, (tenant) =>
          Effect.gen(function* () {
            const revisions = yield* store.revisions(tenant, name)
            const { content, revision } = yield* store.revision(tenant, name, query.revision)
            const { rules } = yield* store.list(tenant)
            const rule = rules.find((one) => one.name === name)
            if (rule === undefined)
              return yield* new RuleUnknownProblem({ detail: `Rule "${name}" was deleted just now` })
            return {
              ...stateOf(rule),
              shown: revision,
              content: JSON.parse(content) as Jdm,
              revisions: revisions.map(({ createdAt, ...one }) => ({
                ...one,
                createdAt: DateTime.makeUnsafe(createdAt)
              }))
            }
          })
        ),
      put: ({ params: { slug, rule: name }, payload: { content, result, description, group } }) =>
        ask(slug, (tenant) =>
          Effect.gen(function* () {
            yield* checkName("rule", name)
            yield* store.list(tenant)
            const draft = draftRule(name, content, result)
            yield* checkRule(tenant, draft)
            return yield* changeRule(slug, "put", () =>
              store.put(tenant, { name, description, result, content: draft.content, group })
            )
          })
        ),
      enable: ({ params: { slug, rule } }) =>
        changeRule(slug, "enable", (tenant) => store.setEnabled(tenant, rule, true)),
      disable: ({ params: { slug, rule } }) =>
        changeRule(slug, "disable", (tenant) => store.setEnabled(tenant, rule, false)),
      rollBack: ({ params: { slug, rule }, payload: { revision } }) =>
        changeRule(slug, "roll back", (tenant) => store.rollBack(tenant, rule, revision)),
      delete: ({ params: { slug, rule } }) =>
        ask(slug, (tenant) =>
          Effect.gen(function* () {
            yield* store.remove(tenant, rule)
            yield* told(tenant, "delete", { rule })
            return yield* whenPublished(tenant)
          })
        ),
      putGroup: ({ params: { slug, group: name }, payload }) =>
        ask(slug, (tenant) =>
          Effect.gen(function* () {
            yield* checkName("group", name)
            const { groups } = yield* store.list(tenant)
            const there = groups.find((group) => group.name === name)
            const subjects = payload.subjects ?? there?.subjects
            const format = payload.format ?? there?.format ?? "json"
            if (subjects === undefined) {
              const known = groups.map((group) => group.name).join(", ")
              return yield* refused(
                `There is no group "${name}" (those that are: ${known}), and a new one needs subjects`
              )
            }
            yield* checkSubjects(subjects)
            const twice = payload.rules.find((rule, at) => payload.rules.indexOf(rule) !== at)
            if (twice !== undefined) return yield* refused(`Rule "${twice}" is named twice in group "${name}"`)
            yield* store.putGroup(tenant, { name, subjects, format, rules: payload.rules })
            yield* told(tenant, "put group", { group: name, subjects, rules: payload.rules })
            return yield* whenPublished(tenant)
          })
        ),
      deleteGroup: ({ params: { slug, group } }) =>
        ask(slug, (tenant) =>
          Effect.gen(function* () {
            yield* store.removeGroup(tenant, group)
            yield* told(tenant, "delete group", { group })
            return yield* whenPublished(tenant)
          })
        )
    })
  })
)
