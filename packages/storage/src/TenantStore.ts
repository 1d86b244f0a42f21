/**
 * The tenants of the platform, the desired state that everything else follows. A change and the messages about it are
 * one transaction.
 */
import { randomUUID } from "node:crypto"
import type { TenantSlug } from "@bulkhead/channels"
import { Tenant } from "@bulkhead/tenancy"
import { Context, Effect, Layer, Schema } from "effect"
import { Database } from "./Database.ts"
import { asStorageError, failed } from "./internal/sqlFailure.ts"
import { textArray } from "./internal/textArray.ts"
import { lifecycleMessages, type TenantChange } from "./lifecycleMessages.ts"
import { type StorageError, TenantDeleting, TenantExists, TenantUnknown } from "./StorageError.ts"

/** What a new tenant needs. */
export interface NewTenant {
  readonly slug: TenantSlug
  readonly name: string
  readonly plan: Tenant["plan"]
}

/** What can be asked for a tenant. */
export type TenantWish = TenantTerms | { readonly status: "active" | "suspended" | "deleting" }

/** What is absent stays as it is. */
export interface TenantTerms {
  readonly plan?: Tenant["plan"] | undefined
  /** Limits for this tenant alone, by name; null takes one back, and the plan's counts again. */
  readonly limits?: Readonly<Record<string, Tenant["limits"][string] | null | undefined>> | undefined
}

/** What was found when a tenant was gone. */
export interface ErasureRecord {
  readonly tenantId: string
  readonly erasedAt: Date
  readonly report: Readonly<Record<string, unknown>>
}

/** Reads and changes tenants. */
export class TenantStore extends Context.Service<
  TenantStore,
  {
    /** Adds a tenant in status `provisioning`. Fails with `TenantExists`. */
    readonly create: (tenant: NewTenant) => Effect.Effect<Tenant, StorageError>
    /** Fails with `TenantUnknown`. */
    readonly get: (slug: TenantSlug) => Effect.Effect<Tenant, StorageError>
    /** Every tenant, by slug. */
    readonly list: Effect.Effect<ReadonlyArray<Tenant>, StorageError>
    /** Differs as soon as any tenant does: far cheaper than the list. */
    readonly fingerprint: Effect.Effect<string, StorageError>
    /** Those of these slugs that there are. */
    readonly some: (slugs: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Tenant>, StorageError>
    /**
     * Asks for something: the generation rises, and falls behind nobody, when the tenant is not so already. Fails with
     * `TenantUnknown`, and with `TenantDeleting` for a tenant that is on its way out.
     */
    readonly request: (slug: TenantSlug, wish: TenantWish) => Effect.Effect<Tenant, StorageError>
    /**
     * Remembers that a generation is in force; a tenant in `provisioning` is `active` then. An older generation than the
     * one that was remembered changes nothing. Fails with `TenantUnknown`.
     */
    readonly applied: (slug: TenantSlug, generation: number) => Effect.Effect<Tenant, StorageError>
    /** Forgets a tenant in `deleting`, and keeps the report of its erasure. Does nothing for one that is gone. */
    readonly erased: (tenant: Tenant, report: Readonly<Record<string, unknown>>) => Effect.Effect<void, StorageError>
    /** The erasures of tenants that had this slug, the newest first. */
    readonly erasures: (slug: TenantSlug) => Effect.Effect<ReadonlyArray<ErasureRecord>, StorageError>
  }
>()("@bulkhead/storage/TenantStore") {
  static readonly layer: Layer.Layer<TenantStore, never, Database> = Layer.effect(
    TenantStore,
    Effect.suspend(() => make)
  )
}

const decodeTenants = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({ ...Tenant.fields, createdAt: Schema.DateTimeUtcFromDate, updatedAt: Schema.DateTimeUtcFromDate })
  )
)

/** The table checks what it takes, so a row that is no tenant is a fault of ours and dies here. */
const toTenants = (rows: ReadonlyArray<unknown>): ReadonlyArray<Tenant> =>
  decodeTenants(rows).map((fields) => new Tenant(fields))

const make = Effect.gen(function* () {
  const { sql } = yield* Database
  const columns = sql.literal(
    `id, slug, name, plan, limits, status, generation, applied_generation as "appliedGeneration", created_at as "createdAt",
     updated_at as "updatedAt"`
  )

  const announce = (tenant: Tenant, change: TenantChange) => {
    const drafts = lifecycleMessages(tenant, change, randomUUID())
    return sql`
      insert into bulkhead.outbox (tenant, kind, subject, payload)
      select ${tenant.slug}, kind, subject, payload::jsonb from unnest(
        ${textArray(drafts.map((draft) => draft.kind))},
        ${textArray(drafts.map((draft) => draft.subject))},
        ${textArray(drafts.map((draft) => JSON.stringify(draft.payload)))}
      ) as draft (kind, subject, payload)`
  }

  const only = (operation: string, slug: TenantSlug, rows: ReadonlyArray<unknown>) =>
    Effect.suspend(() => {
      const [tenant] = toTenants(rows)
      return tenant === undefined ? failed(operation, new TenantUnknown({ slug })) : Effect.succeed(tenant)
    })

  const create = Effect.fn("TenantStore.create")(function* (input: NewTenant) {
    return yield* Effect.gen(function* () {
      const rows = yield* sql`
        insert into bulkhead.tenants (slug, name, plan, status)
        values (${input.slug}, ${input.name}, ${input.plan}, 'provisioning') returning ${columns}`
      const tenant = yield* only("TenantStore.create", input.slug, rows)
      yield* announce(tenant, "created")
      return tenant
    }).pipe(
      sql.withTransaction,
      asStorageError("TenantStore.create", (error) =>
        error.reason._tag === "UniqueViolation" ? new TenantExists({ slug: input.slug }) : undefined
      )
    )
  })

  const get = Effect.fn("TenantStore.get")(function* (slug: TenantSlug) {
    const rows = yield* sql`select ${columns} from bulkhead.tenants where slug = ${slug}`.pipe(
      asStorageError("TenantStore.get")
    )
    return yield* only("TenantStore.get", slug, rows)
  })

  const list = sql`select ${columns} from bulkhead.tenants order by slug`.pipe(
    Effect.map(toTenants),
    asStorageError("TenantStore.list"),
    Effect.withSpan("TenantStore.list")
  )

  const fingerprint = sql<{ fingerprint: string }>`
    select count(*) || '/' || coalesce(sum(hashtextextended(tenants::text, 0)), 0) as fingerprint
    from bulkhead.tenants`.pipe(
    Effect.map(([row]) => row?.fingerprint ?? ""),
    asStorageError("TenantStore.fingerprint")
  )

  const some = (slugs: ReadonlyArray<string>) =>
    sql`select ${columns} from bulkhead.tenants where slug in ${sql.in(slugs)}`.pipe(
      Effect.map(toTenants),
      asStorageError("TenantStore.some")
    )

  /** Why the row did not change: it is gone, it is on its way out, or it was so already. */
  const unchanged = Effect.fnUntraced(function* (operation: string, slug: TenantSlug, wish: TenantWish) {
    const tenant = yield* get(slug)
    const isAsked = "status" in wish ? tenant.status === wish.status : tenant.plan === (wish.plan ?? tenant.plan)
    if (tenant.status === "deleting" && !isAsked) return yield* failed(operation, new TenantDeleting({ slug }))
    return tenant
  })

  const changeStatus = (slug: TenantSlug, status: string) =>
    sql`
      update bulkhead.tenants set status = ${status}, generation = generation + 1, updated_at = now()
      where slug = ${slug} and status <> ${status}
        -- A tenant that is being made becomes active by itself.
        and not (status in ${sql.in(status === "active" ? ["provisioning", "deleting"] : ["deleting"])})
      returning ${columns}`

  const changeTerms = (slug: TenantSlug, { plan, limits = {} }: TenantTerms) => {
    const wanted = sql`coalesce(${plan ?? null}::text, plan)`
    const merged = sql`jsonb_strip_nulls(limits || ${JSON.stringify(limits)}::jsonb)`
    return sql`
      update bulkhead.tenants set plan = ${wanted}, limits = ${merged}, generation = generation + 1, updated_at = now()
      where slug = ${slug} and status <> 'deleting' and (plan, limits) is distinct from (${wanted}, ${merged})
      returning ${columns}`
  }

  const request = Effect.fn("TenantStore.request")(function* (slug: TenantSlug, wish: TenantWish) {
    return yield* Effect.gen(function* () {
      const changed = yield* "status" in wish ? changeStatus(slug, wish.status) : changeTerms(slug, wish)
      if (changed.length === 0) return yield* unchanged("TenantStore.request", slug, wish)
      const tenant = yield* only("TenantStore.request", slug, changed)
      yield* announce(tenant, "updated")
      return tenant
    }).pipe(sql.withTransaction, asStorageError("TenantStore.request"))
  })

  const applied = Effect.fn("TenantStore.applied")(function* (slug: TenantSlug, generation: number) {
    return yield* Effect.gen(function* () {
      const rows = yield* sql<{ wasProvisioning: boolean }>`
        update bulkhead.tenants set
          applied_generation = greatest(applied_generation, ${generation}),
          status = case when status = 'provisioning' then 'active' else status end,
          updated_at = now()
        from (
          select id as known, status = 'provisioning' as "wasProvisioning" from bulkhead.tenants where slug = ${slug}
        ) as before
        where id = known and (applied_generation < ${generation} or status = 'provisioning')
        returning ${columns}, "wasProvisioning"`
      const [changed] = rows
      if (changed === undefined) return yield* get(slug)
      const tenant = yield* only("TenantStore.applied", slug, rows)
      if (changed.wasProvisioning) yield* announce(tenant, "updated")
      return tenant
    }).pipe(sql.withTransaction, asStorageError("TenantStore.applied"))
  })

  const erased = Effect.fn("TenantStore.erased")(function* (tenant: Tenant, report: Readonly<Record<string, unknown>>) {
    yield* Effect.gen(function* () {
      const gone = yield* sql`
        delete from bulkhead.tenants where id = ${tenant.id} and status = 'deleting' returning 1`
      if (gone.length === 0) return
      // Messages to its own stream have nowhere to go any more.
      yield* sql`delete from bulkhead.outbox where tenant = ${tenant.slug} and kind = 'event'`
      yield* sql`
        insert into bulkhead.erasures (tenant_id, slug, report)
        values (${tenant.id}, ${tenant.slug}, ${JSON.stringify(report)}::jsonb)`
      yield* announce(tenant, "deleted")
    }).pipe(sql.withTransaction, asStorageError("TenantStore.erased"))
  })

  const erasures = (slug: TenantSlug) =>
    sql<ErasureRecord>`
      select tenant_id as "tenantId", erased_at as "erasedAt", report from bulkhead.erasures
      where slug = ${slug} order by id desc`.pipe(asStorageError("TenantStore.erasures"))

  return TenantStore.of({ create, get, list, fingerprint, some, request, applied, erased, erasures })
})
