/**
 * The decision rules of each tenant: the source of truth, of which the bucket that zen-consumer reads is a copy. A rule
 * has revisions that never change, one of which is in force; groups say which rules run on which subjects, in order.
 *
 * Every change raises the generation of its tenant's set, so that whoever writes the copy knows what is not in it yet,
 * whatever happened to it in between.
 */
import type { TenantSlug } from "@bulkhead/channels"
import { DEFAULT_GROUPS, type RuleFormat, type RuleResult, type RuleSet, ruleKey, SHIPPED_RULES } from "@bulkhead/rules"
import { Context, Effect, Layer } from "effect"
import { Database } from "./Database.ts"
import { asStorageError, failed } from "./internal/sqlFailure.ts"
import { RuleLimit, RuleUnknown, type StorageError, TenantDeleting, TenantUnknown } from "./StorageError.ts"

export const RULES_OF_TENANT_MAX = 200
export const REVISIONS_OF_RULE_MAX = 1_000
const GROUPS_OF_TENANT_MAX = 50

/** A rule as it is in force. */
export interface StoredRule {
  readonly name: string
  readonly description: string
  readonly isEnabled: boolean
  readonly revision: number
  readonly result: RuleResult
  readonly updatedAt: Date
}

/** One revision; the content is a JDM as text. */
export interface StoredRevision {
  readonly revision: number
  readonly result: RuleResult
  readonly content: string
  readonly createdAt: Date
}

/** Which rules run on which subjects. */
export interface RuleGroup {
  readonly name: string
  readonly subjects: ReadonlyArray<string>
  readonly format: RuleFormat
  /** Names, in the order in which they run. */
  readonly rules: ReadonlyArray<string>
}

/** All that a tenant decides with. */
export interface TenantRules {
  readonly groups: ReadonlyArray<RuleGroup>
  readonly rules: ReadonlyArray<StoredRule>
  /** Whether the bucket says the same. */
  readonly isPublished: boolean
}

/** What `put` stores. */
export interface RuleDraft {
  readonly name: string
  /** Absent: it stays as it is. */
  readonly description?: string | undefined
  readonly result: RuleResult
  readonly content: string
  /** The group that gets it as its last rule, where it has it not yet. */
  readonly group?: string | undefined
}

/** A tenant's set as it is to be in the bucket. */
export interface RulesToPublish {
  readonly tenantId: string
  readonly tenant: TenantSlug
  readonly generation: number
  readonly set: RuleSet
  /** The texts of the revisions that the set names, by key. */
  readonly contents: ReadonlyMap<string, string>
}

/** Reads and changes rules. A change of a tenant that is on its way out fails with `TenantDeleting`. */
export class RuleStore extends Context.Service<
  RuleStore,
  {
    /** Fails with `TenantUnknown`, as everything here that names a tenant. */
    readonly list: (tenant: TenantSlug) => Effect.Effect<TenantRules, StorageError>
    /** The revisions of a rule, the newest first. Fails with `RuleUnknown`. */
    readonly revisions: (
      tenant: TenantSlug,
      rule: string
    ) => Effect.Effect<ReadonlyArray<Omit<StoredRevision, "content">>, StorageError>
    /** One revision whole, else the one in force. Fails with `RuleUnknown`. */
    readonly revision: (
      tenant: TenantSlug,
      rule: string,
      revision: number | undefined
    ) => Effect.Effect<StoredRevision, StorageError>
    /**
     * Stores a revision and puts it into force; one that says the same as the one in force is not stored again. Fails
     * with `RuleLimit`, and with `RuleUnknown` for a group that is not there.
     */
    readonly put: (tenant: TenantSlug, draft: RuleDraft) => Effect.Effect<StoredRule, StorageError>
    readonly setEnabled: (
      tenant: TenantSlug,
      rule: string,
      isEnabled: boolean
    ) => Effect.Effect<StoredRule, StorageError>
    /** Puts a revision that is there into force. */
    readonly rollBack: (tenant: TenantSlug, rule: string, revision: number) => Effect.Effect<StoredRule, StorageError>
    /** Removes a rule with its revisions, also from the groups. */
    readonly remove: (tenant: TenantSlug, rule: string) => Effect.Effect<void, StorageError>
    /** Puts a group in place of the one of its name, else before all others: the first whose subjects match decides. */
    readonly putGroup: (tenant: TenantSlug, group: RuleGroup) => Effect.Effect<void, StorageError>
    readonly removeGroup: (tenant: TenantSlug, group: string) => Effect.Effect<void, StorageError>
    /** The rules that run on messages, as they are in force. */
    readonly inForce: (tenant: TenantSlug) => Effect.Effect<RulesToPublish, StorageError>
    /** What the bucket has not yet, after every tenant without rules has got those that come with the platform. */
    readonly unpublished: Effect.Effect<ReadonlyArray<RulesToPublish>, StorageError>
    /** The same of every tenant. */
    readonly all: Effect.Effect<ReadonlyArray<RulesToPublish>, StorageError>
    /** Remembers that the bucket has them. */
    readonly published: (rules: RulesToPublish) => Effect.Effect<void, StorageError>
    /** Removes all that a tenant in `deleting` has. */
    readonly erase: (tenant: TenantSlug) => Effect.Effect<void, StorageError>
  }
>()("@bulkhead/storage/RuleStore") {
  static readonly layer: Layer.Layer<RuleStore, never, Database> = Layer.effect(
    RuleStore,
    Effect.suspend(() => make)
  )
}

/** A set as the table has it. */
interface SetRow {
  readonly tenantId: string
  readonly tenant: TenantSlug
  readonly status: string
  readonly groups: ReadonlyArray<RuleGroup>
  readonly generation: number
  readonly isPublished: boolean
}

/** A rule in force, with its text. */
interface ContentRow {
  readonly tenantId: string
  readonly name: string
  readonly revision: number
  readonly result: RuleResult
  readonly content: string
}

/** So many sets are published in one round. */
const SETS_AT_ONCE = 100

/** What a tenant begins with, as JSON: it is asked for at each look for tenants that have no rules. */
const SHIPPED = {
  groups: JSON.stringify(
    DEFAULT_GROUPS.map((group) => ({
      ...group,
      rules: SHIPPED_RULES.filter((rule) => rule.group === group.name).map(({ name }) => name)
    }))
  ),
  rules: JSON.stringify(
    SHIPPED_RULES.map(({ name, description, result, content }) => ({
      name,
      description,
      result,
      content: JSON.stringify(content)
    }))
  )
}

const toPublish = (row: SetRow, contents: ReadonlyArray<ContentRow>): RulesToPublish => {
  const byName = new Map(contents.map((content) => [content.name, content]))
  const texts = new Map<string, string>()
  const groups = row.groups.map(({ rules, ...group }) => ({
    ...group,
    rules: rules.flatMap((name) => {
      const found = byName.get(name)
      if (found === undefined) return []
      texts.set(ruleKey(row.tenant, name, found.revision), found.content)
      return [{ rule: name, revision: found.revision, result: found.result }]
    })
  }))
  const { tenantId, tenant, generation } = row
  return { tenantId, tenant, generation, set: { groups }, contents: texts }
}

const make = Effect.gen(function* () {
  const { sql } = yield* Database

  const ofSet = sql.literal(
    `tenants.id as "tenantId", slug as tenant, status, groups, rule_sets.generation,
     rule_sets.generation = published_generation as "isPublished"`
  )
  const ofRule = sql.literal(
    `rules.name, description, is_enabled as "isEnabled", rules.revision, result, rules.updated_at as "updatedAt"`
  )

  /** Gives those that have no rules yet the rules that come with the platform; once, so that one may be without. */
  const seed = (slug: TenantSlug | undefined) => sql`
    with made as (
      insert into bulkhead.rule_sets (tenant_id, groups)
      select id, ${SHIPPED.groups}::jsonb from bulkhead.tenants
      where status <> 'deleting' and (${slug ?? null}::text is null or slug = ${slug ?? null})
        and not exists (select from bulkhead.rule_sets where tenant_id = tenants.id)
      on conflict do nothing returning tenant_id
    ), shipped as (
      select * from jsonb_to_recordset(${SHIPPED.rules}::jsonb)
        as rule (name text, description text, result text, content text)
    ), named as (
      insert into bulkhead.rules (tenant_id, name, description, revision)
      select tenant_id, name, description, 1 from made, shipped
    )
    insert into bulkhead.rule_revisions (tenant_id, rule, revision, result, content)
    select tenant_id, name, 1, result, content from made, shipped`

  const setOf = (operation: string, tenant: TenantSlug, lock: "for update of rule_sets" | "") =>
    Effect.gen(function* () {
      yield* seed(tenant)
      const [set] = yield* sql<SetRow>`
        select ${ofSet} from bulkhead.tenants join bulkhead.rule_sets on tenant_id = tenants.id
        where slug = ${tenant} ${sql.literal(lock)}`
      if (set !== undefined) return set
      const found = yield* sql`select from bulkhead.tenants where slug = ${tenant}`
      return yield* failed(
        operation,
        found.length === 0 ? new TenantUnknown({ slug: tenant }) : new TenantDeleting({ slug: tenant })
      )
    })

  const rulesOf = (tenantId: string) => sql<StoredRule>`
    select ${ofRule} from bulkhead.rules
      join bulkhead.rule_revisions on rule_revisions.tenant_id = rules.tenant_id and rule = rules.name
        and rule_revisions.revision = rules.revision
    where rules.tenant_id = ${tenantId} order by rules.name`

  const findRule = (operation: string, { tenant }: SetRow, rules: ReadonlyArray<StoredRule>, name: string) => {
    const found = rules.find((rule) => rule.name === name)
    if (found !== undefined) return Effect.succeed(found)
    return failed(operation, new RuleUnknown({ tenant, kind: "rule", name, known: rules.map((rule) => rule.name) }))
  }

  const ruleOf = (operation: string, set: SetRow, name: string, revision?: number) =>
    Effect.gen(function* () {
      const { tenantId, tenant } = set
      const found = yield* findRule(operation, set, yield* rulesOf(tenantId), name)
      if (revision === undefined) return found
      const there = yield* sql<{ revision: number }>`
        select revision from bulkhead.rule_revisions where tenant_id = ${tenantId} and rule = ${name} order by revision`
      if (there.some((one) => one.revision === revision)) return found
      const known = there.map((one) => String(one.revision))
      return yield* failed(operation, new RuleUnknown({ tenant, kind: "revision", name: `${name}@${revision}`, known }))
    })

  const unknownGroup = (operation: string, { tenant, groups }: SetRow, name: string) =>
    failed(operation, new RuleUnknown({ tenant, kind: "group", name, known: groups.map((group) => group.name) }))

  const limit = (operation: string, what: string, observed: number, limit: number, nextStep: string) =>
    failed(operation, new RuleLimit({ what, observed, limit, nextStep }))

  /** One change of a tenant's rules, after which its set is to be published again. */
  const change = <A, E>(operation: string, tenant: TenantSlug, work: (set: SetRow) => Effect.Effect<A, E>) =>
    Effect.gen(function* () {
      const set = yield* setOf(operation, tenant, "for update of rule_sets")
      if (set.status === "deleting") return yield* failed(operation, new TenantDeleting({ slug: tenant }))
      const result = yield* work(set)
      yield* sql`
        update bulkhead.rule_sets set generation = generation + 1, updated_at = now() where tenant_id = ${set.tenantId}`
      return result
    }).pipe(sql.withTransaction, asStorageError(operation), Effect.withSpan(operation))

  const saveGroups = ({ tenantId }: SetRow, groups: ReadonlyArray<RuleGroup>) => sql`
    update bulkhead.rule_sets set groups = ${JSON.stringify(groups)}::jsonb where tenant_id = ${tenantId}`

  const list = Effect.fn("RuleStore.list")(function* (tenant: TenantSlug) {
    const operation = "RuleStore.list"
    return yield* Effect.gen(function* () {
      const { tenantId, groups, isPublished } = yield* setOf(operation, tenant, "")
      return { groups, rules: yield* rulesOf(tenantId), isPublished }
    }).pipe(asStorageError(operation))
  })

  const revisions = Effect.fn("RuleStore.revisions")(function* (tenant: TenantSlug, name: string) {
    const operation = "RuleStore.revisions"
    return yield* Effect.gen(function* () {
      const set = yield* setOf(operation, tenant, "")
      yield* ruleOf(operation, set, name)
      return yield* sql<Omit<StoredRevision, "content">>`
        select revision, result, created_at as "createdAt" from bulkhead.rule_revisions
        where tenant_id = ${set.tenantId} and rule = ${name} order by revision desc`
    }).pipe(asStorageError(operation))
  })

  const revision = Effect.fn("RuleStore.revision")(function* (
    tenant: TenantSlug,
    name: string,
    wanted: number | undefined
  ) {
    const operation = "RuleStore.revision"
    return yield* Effect.gen(function* () {
      const set = yield* setOf(operation, tenant, "")
      const rule = yield* ruleOf(operation, set, name, wanted)
      const [found] = yield* sql<StoredRevision>`
        select revision, result, content, created_at as "createdAt" from bulkhead.rule_revisions
        where tenant_id = ${set.tenantId} and rule = ${name} and revision = ${wanted ?? rule.revision}`
      return found ?? (yield* failed(operation, new RuleUnknown({ tenant, kind: "rule", name, known: [] })))
    }).pipe(asStorageError(operation))
  })

  const addRevision = Effect.fnUntraced(function* (set: SetRow, { name, result, content, description }: RuleDraft) {
    const operation = "RuleStore.put"
    const [last] = yield* sql<{ newest: number; count: number; isSame: boolean | null }>`
      select coalesce(max(revision), 0) as newest, count(*)::int as count,
        bool_or(content = ${content} and result = ${result}) filter (where revision = (
          select revision from bulkhead.rules where tenant_id = ${set.tenantId} and name = ${name})) as "isSame"
      from bulkhead.rule_revisions where tenant_id = ${set.tenantId} and rule = ${name}`
    const { newest = 0, count = 0, isSame = false } = last ?? {}
    if (count >= REVISIONS_OF_RULE_MAX) {
      return yield* limit(
        operation,
        `revisions of rule "${name}"`,
        count,
        REVISIONS_OF_RULE_MAX,
        "put it under another name"
      )
    }
    if (isSame === true) {
      return yield* sql`
        update bulkhead.rules set description = coalesce(${description ?? null}, description)
        where tenant_id = ${set.tenantId} and name = ${name}`
    }
    yield* sql`
      insert into bulkhead.rules (tenant_id, name, description, revision)
      values (${set.tenantId}, ${name}, ${description ?? ""}, ${newest + 1})
      on conflict (tenant_id, name) do update set revision = excluded.revision, updated_at = now(),
        description = coalesce(${description ?? null}, rules.description)`
    yield* sql`
      insert into bulkhead.rule_revisions (tenant_id, rule, revision, result, content)
      values (${set.tenantId}, ${name}, ${newest + 1}, ${result}, ${content})`
  })

  const put = (tenant: TenantSlug, draft: RuleDraft) =>
    change("RuleStore.put", tenant, (set) =>
      Effect.gen(function* () {
        const operation = "RuleStore.put"
        const { name, group: groupName } = draft
        const known = yield* rulesOf(set.tenantId)
        if (known.length >= RULES_OF_TENANT_MAX && !known.some((rule) => rule.name === name)) {
          return yield* limit(operation, `rules of tenant "${tenant}"`, known.length, RULES_OF_TENANT_MAX, "delete one")
        }
        const group = set.groups.find((one) => one.name === groupName)
        if (groupName !== undefined && group === undefined) return yield* unknownGroup(operation, set, groupName)
        yield* addRevision(set, draft)
        if (group !== undefined && !group.rules.includes(name)) {
          const grown = { ...group, rules: [...group.rules, name] }
          yield* saveGroups(
            set,
            set.groups.map((one) => (one === group ? grown : one))
          )
        }
        return yield* ruleOf(operation, set, name)
      })
    )

  const setEnabled = (tenant: TenantSlug, name: string, isEnabled: boolean) =>
    change("RuleStore.setEnabled", tenant, (set) =>
      Effect.gen(function* () {
        yield* sql`
          update bulkhead.rules set is_enabled = ${isEnabled}, updated_at = now()
          where tenant_id = ${set.tenantId} and name = ${name} and is_enabled <> ${isEnabled}`
        return yield* ruleOf("RuleStore.setEnabled", set, name)
      })
    )

  const rollBack = (tenant: TenantSlug, name: string, wanted: number) =>
    change("RuleStore.rollBack", tenant, (set) =>
      Effect.gen(function* () {
        const operation = "RuleStore.rollBack"
        yield* ruleOf(operation, set, name, wanted)
        yield* sql`
          update bulkhead.rules set revision = ${wanted}, updated_at = now()
          where tenant_id = ${set.tenantId} and name = ${name}`
        return yield* ruleOf(operation, set, name)
      })
    )

  const remove = (tenant: TenantSlug, name: string) =>
    change("RuleStore.remove", tenant, (set) =>
      Effect.gen(function* () {
        yield* ruleOf("RuleStore.remove", set, name)
        yield* sql`delete from bulkhead.rules where tenant_id = ${set.tenantId} and name = ${name}`
        const groups = set.groups.map((group) => ({ ...group, rules: group.rules.filter((rule) => rule !== name) }))
        yield* saveGroups(set, groups)
      })
    )

  const putGroup = (tenant: TenantSlug, group: RuleGroup) =>
    change("RuleStore.putGroup", tenant, (set) =>
      Effect.gen(function* () {
        const operation = "RuleStore.putGroup"
        const rules = yield* rulesOf(set.tenantId)
        for (const name of group.rules) yield* findRule(operation, set, rules, name)
        const isThere = set.groups.some(({ name }) => name === group.name)
        if (!isThere && set.groups.length >= GROUPS_OF_TENANT_MAX) {
          const what = `groups of tenant "${tenant}"`
          return yield* limit(operation, what, set.groups.length, GROUPS_OF_TENANT_MAX, "delete one")
        }
        const groups = isThere
          ? set.groups.map((one) => (one.name === group.name ? group : one))
          : [group, ...set.groups]
        yield* saveGroups(set, groups)
      })
    )

  const removeGroup = (tenant: TenantSlug, name: string) =>
    change("RuleStore.removeGroup", tenant, (set) =>
      Effect.gen(function* () {
        const left = set.groups.filter((group) => group.name !== name)
        if (left.length === set.groups.length) return yield* unknownGroup("RuleStore.removeGroup", set, name)
        yield* saveGroups(set, left)
      })
    )

  /** With the texts of the rules that are enabled. */
  const withContents = Effect.fnUntraced(function* (sets: ReadonlyArray<SetRow>) {
    if (sets.length === 0) return []
    const contents = yield* sql<ContentRow>`
      select rules.tenant_id as "tenantId", name, rules.revision, result, content from bulkhead.rules
        join bulkhead.rule_revisions on rule_revisions.tenant_id = rules.tenant_id and rule = rules.name
          and rule_revisions.revision = rules.revision
      where is_enabled and rules.tenant_id in ${sql.in(sets.map(({ tenantId }) => tenantId))}`
    const byTenant = Map.groupBy(contents, ({ tenantId }) => tenantId)
    return sets.map((set) => toPublish(set, byTenant.get(set.tenantId) ?? []))
  })

  const inForce = Effect.fn("RuleStore.inForce")(function* (tenant: TenantSlug) {
    const operation = "RuleStore.inForce"
    return yield* Effect.gen(function* () {
      const set = yield* setOf(operation, tenant, "")
      const [rules] = yield* withContents([set])
      return rules ?? toPublish(set, [])
    }).pipe(asStorageError(operation))
  })

  const unpublished = Effect.gen(function* () {
    yield* seed(undefined)
    const sets = yield* sql<SetRow>`
      select ${ofSet} from bulkhead.rule_sets join bulkhead.tenants on id = tenant_id
      where rule_sets.generation > published_generation and status <> 'deleting' limit ${SETS_AT_ONCE}`
    return yield* withContents(sets)
  }).pipe(asStorageError("RuleStore.unpublished"))

  const all = Effect.gen(function* () {
    const sets = yield* sql<SetRow>`
      select ${ofSet} from bulkhead.rule_sets join bulkhead.tenants on id = tenant_id where status <> 'deleting'`
    return yield* withContents(sets)
  }).pipe(asStorageError("RuleStore.all"), Effect.withSpan("RuleStore.all"))

  const published = ({ tenantId, generation }: RulesToPublish) =>
    sql`
      update bulkhead.rule_sets set published_generation = greatest(published_generation, ${generation})
      where tenant_id = ${tenantId}`.pipe(Effect.asVoid, asStorageError("RuleStore.published"))

  const erase = (tenant: TenantSlug) =>
    sql`
      delete from bulkhead.rule_sets where tenant_id = (
        select id from bulkhead.tenants where slug = ${tenant} and status = 'deleting')`.pipe(
      Effect.asVoid,
      asStorageError("RuleStore.erase"),
      Effect.withSpan("RuleStore.erase")
    )

  return RuleStore.of({
    list,
    revisions,
    revision,
    put,
    setEnabled,
    rollBack,
    remove,
    putGroup,
    removeGroup,
    inForce,
    unpublished,
    all,
    published,
    erase
  })
})
