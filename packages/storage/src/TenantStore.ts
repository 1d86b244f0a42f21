/**
 * The tenants of the platform, the desired state that everything else follows. A change and the messages about it are
 * one transaction.
 */
import { randomUUID } from "node:crypto"
import type { TenantSlug } from "@bulkhead/channels"
import { Tenant, type TenantStatus } from "@bulkhead/tenancy"
import { PgTypes } from "@effect/sql-pg"
import { Context, Effect, Layer, Result, Schema } from "effect"
import { Database } from "./Database.ts"
import { asStorageError, failed } from "./internal/sqlFailure.ts"
import { lifecycleMessages, type TenantChange } from "./lifecycleMessages.ts"
import { type StorageError, TenantExists, TenantUnknown } from "./StorageError.ts"

/** What a new tenant needs. */
export interface NewTenant {
  readonly slug: TenantSlug
  readonly name: string
  readonly plan: Tenant["plan"]
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
    /** Does nothing, and tells nobody, when the tenant has that status. Fails with `TenantUnknown`. */
    readonly setStatus: (slug: TenantSlug, status: TenantStatus) => Effect.Effect<Tenant, StorageError>
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
  const columns = sql.literal(`id, slug, name, plan, status, created_at as "createdAt", updated_at as "updatedAt"`)

  const announce = (tenant: Tenant, change: TenantChange) => {
    const drafts = lifecycleMessages(tenant, change, randomUUID())
    const texts = (values: ReadonlyArray<string>) => Result.getOrThrow(PgTypes.array(values, PgTypes.OID.text))
    return sql`
      insert into bulkhead.outbox (tenant, kind, subject, payload)
      select ${tenant.slug}, kind, subject, payload::jsonb from unnest(
        ${texts(drafts.map((draft) => draft.kind))},
        ${texts(drafts.map((draft) => draft.subject))},
        ${texts(drafts.map((draft) => JSON.stringify(draft.payload)))}
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

  const setStatus = Effect.fn("TenantStore.setStatus")(function* (slug: TenantSlug, status: TenantStatus) {
    return yield* Effect.gen(function* () {
      const changed = yield* sql`
        update bulkhead.tenants set status = ${status}, updated_at = now()
        where slug = ${slug} and status <> ${status} returning ${columns}`
      if (changed.length === 0) return yield* get(slug)
      const tenant = yield* only("TenantStore.setStatus", slug, changed)
      yield* announce(tenant, status === "deleting" ? "deleted" : "updated")
      return tenant
    }).pipe(sql.withTransaction, asStorageError("TenantStore.setStatus"))
  })

  return TenantStore.of({ create, get, list, setStatus })
})
