/**
 * The compartments in PostgreSQL: for each tenant a role that cannot log in and the schema it owns, both called
 * `tenant_<slug>`. The login role may take a tenant's role for a transaction, and inherits nothing from it; so outside
 * such a transaction even our own process has no right on a tenant's rows.
 */
import { schemaName, type TenantSlug } from "@bulkhead/channels"
import { Context, Effect, Layer } from "effect"
import { Database } from "./Database.ts"
import { inOneTrip } from "./internal/inOneTrip.ts"
import { ifLaneWriters, LANE_WRITERS } from "./internal/laneWriters.ts"
import { migrate, versionIn } from "./internal/migrate.ts"
import { quoted } from "./internal/quoted.ts"
import { replaySchemaName } from "./internal/replaySchemaName.ts"
import { asStorageError } from "./internal/sqlFailure.ts"
import { newestVersion, OLDEST_VERSION, tenantMigrations } from "./internal/tenantMigrations.ts"
import { asTenant, becomeTenant } from "./internal/tenantTransaction.ts"
import { textArray } from "./internal/textArray.ts"
import type { StorageError } from "./StorageError.ts"
import { TenantStore } from "./TenantStore.ts"

/** The versions of a tenant's schema before and after; equal where there was nothing to do. */
export interface SchemaVersions {
  readonly before: number
  readonly after: number
}

/** What became of one tenant in `migrateAll`. */
export type MigrationOutcome =
  | ({ readonly tenant: TenantSlug; readonly ok: true } & SchemaVersions)
  | { readonly tenant: TenantSlug; readonly ok: false; readonly error: StorageError }

/** Makes and migrates tenants' schemas. */
export class TenantSchemas extends Context.Service<
  TenantSchemas,
  {
    /**
     * Role, schema and migrations, whatever of it is missing, in one transaction. Any number of processes may ask at
     * once. Fails with `TenantUnknown`.
     */
    readonly provision: (slug: TenantSlug) => Effect.Effect<SchemaVersions, StorageError>
    /**
     * Those of these tenants whose role and schema stand as `provision` left them: nothing was dropped, given to another
     * owner, or is of an older release. One statement for any number of tenants.
     */
    readonly intact: (slugs: ReadonlyArray<TenantSlug>) => Effect.Effect<ReadonlySet<TenantSlug>, StorageError>
    /** Provisions every tenant that is not being deleted. One tenant's failure is in the report and stops no other. */
    readonly migrateAll: Effect.Effect<ReadonlyArray<MigrationOutcome>, StorageError>
    /** Drops schema and role with all that is in them, and what a replay has begun; nothing there is fine. */
    readonly erase: (slug: TenantSlug) => Effect.Effect<void, StorageError>
    /** Which of the two there are. */
    readonly remains: (
      slug: TenantSlug
    ) => Effect.Effect<{ readonly schema: boolean; readonly role: boolean }, StorageError>
    /** The version of the tenant's schema. Fails with `TenantNotProvisioned`. */
    readonly version: (slug: TenantSlug) => Effect.Effect<number, StorageError>
  }
>()("@bulkhead/storage/TenantSchemas") {
  static readonly layer: Layer.Layer<TenantSchemas, never, Database | TenantStore> = Layer.effect(
    TenantSchemas,
    Effect.suspend(() => make)
  )
}

/** Few, because each migration takes heavy locks and a connection for its time. */
const MIGRATIONS_AT_ONCE = 4

const lockName = (schema: string): string => `bulkhead.provision.${schema}`

/** What is missing of role and schema; `name` comes from a validated slug. */
const roleAndSchema = (name: string): ReadonlyArray<string> => [
  `perform pg_advisory_xact_lock(hashtextextended('${lockName(name)}', 0))`,
  `if not exists (select from pg_roles where rolname = '${name}') then
     create role ${quoted(name)} nologin noinherit nosuperuser nocreatedb nocreaterole noreplication nobypassrls;
   end if`,
  // SET to take the role, and no INHERIT: its rights come with the role only.
  `if (select bool_or(set_option) and not bool_or(inherit_option) from pg_auth_members
       where roleid = '${name}'::regrole and member = current_user::regrole) is not true then
     execute format('grant ${quoted(name)} to %I with set true, inherit false', current_user);
   end if`,
  `if not exists (select from pg_namespace where nspname = '${name}') then
     create schema ${quoted(name)} authorization ${quoted(name)};
   end if`,
  ifLaneWriters([`grant ${quoted(name)} to ${LANE_WRITERS} with set true, inherit false`])
]

const dropSchema = (name: string): string => `drop schema if exists ${quoted(name)} cascade`

const make = Effect.gen(function* () {
  const { sql } = yield* Database
  const tenants = yield* TenantStore

  const provision = Effect.fn("TenantSchemas.provision")(function* (slug: TenantSlug) {
    const tenant = yield* tenants.get(slug)
    const schema = schemaName(slug)
    return yield* Effect.gen(function* () {
      yield* inOneTrip(sql, [
        // What a crash takes is made again, and whatever is committed after it and must last takes it to the disk too.
        "perform set_config('synchronous_commit', 'off', true)",
        ...roleAndSchema(schema),
        `perform set_config('role', '${schema}', true)`
      ])
      const versions = yield* migrate(sql, schema, tenantMigrations(schema, tenant.id), { oldest: OLDEST_VERSION })
      yield* inOneTrip(sql, [
        "perform set_config('role', 'none', true)",
        `insert into bulkhead.tenant_schemas as known (tenant, version) values ('${slug}', ${versions.after})
           on conflict (tenant) do update set version = excluded.version where known.version <> excluded.version`
      ])
      return versions
    }).pipe(sql.withTransaction, asStorageError("TenantSchemas.provision"))
  })

  const intact = Effect.fn("TenantSchemas.intact")(function* (slugs: ReadonlyArray<TenantSlug>) {
    const version = newestVersion
    const rows = yield* sql<{ slug: TenantSlug }>`
      select slug
      from unnest(${textArray(slugs)}, ${textArray(slugs.map(schemaName))}) as wanted (slug, name)
        join bulkhead.tenant_schemas on tenant = slug and version >= ${version}
        join pg_roles on rolname = name and pg_has_role(current_user, pg_roles.oid, 'SET')
        join pg_namespace on nspname = name and nspowner = pg_roles.oid
        join pg_class as watermarks on watermarks.relnamespace = pg_namespace.oid and watermarks.relname = 'watermarks'
        join pg_class as events on events.relnamespace = pg_namespace.oid and events.relname = 'ocsf_events'
      where watermarks.relowner = pg_roles.oid and events.relowner = pg_roles.oid and not exists (
        select from pg_class as records
        where records.relnamespace = pg_namespace.oid and records.relkind = 'p' and records.relowner <> pg_roles.oid
      )`.pipe(asStorageError("TenantSchemas.intact"))
    return new Set(rows.map((row) => row.slug))
  })

  const outcomeOf = (tenant: TenantSlug): Effect.Effect<MigrationOutcome> =>
    provision(tenant).pipe(
      Effect.map((versions) => ({ tenant, ok: true as const, ...versions })),
      Effect.catch((error) => Effect.succeed({ tenant, ok: false as const, error }))
    )

  const migrateAll = tenants.list.pipe(
    Effect.flatMap((all) =>
      Effect.forEach(
        all.filter((tenant) => tenant.status !== "deleting"),
        (tenant) => outcomeOf(tenant.slug),
        { concurrency: MIGRATIONS_AT_ONCE }
      )
    ),
    Effect.withSpan("TenantSchemas.migrateAll")
  )

  const remains = (slug: TenantSlug) =>
    sql<{ schema: boolean; role: boolean }>`
      select exists (
          select from pg_namespace where nspname in ${sql.in([schemaName(slug), replaySchemaName(slug)])}
        ) as schema,
        exists (select from pg_roles where rolname = ${schemaName(slug)}) as role`.pipe(
      Effect.map(([found]) => found ?? { schema: false, role: false }),
      asStorageError("TenantSchemas.remains")
    )

  const erase = Effect.fn("TenantSchemas.erase")(function* (slug: TenantSlug) {
    const name = schemaName(slug)
    yield* Effect.gen(function* () {
      yield* sql`select pg_advisory_xact_lock(hashtextextended(${lockName(name)}, 0))`
      const { schema, role } = yield* remains(slug)
      if (schema) {
        // As the tenant's role, which owns it; the login role has no right to.
        yield* becomeTenant(sql, slug)
        yield* inOneTrip(sql, [dropSchema(replaySchemaName(slug)), dropSchema(name)])
        yield* sql`select set_config('role', 'none', true)`
      }
      if (role) yield* sql.unsafe(`drop role ${quoted(name)}`).unprepared
    }).pipe(sql.withTransaction, asStorageError("TenantSchemas.erase"))
  })

  const version = Effect.fn("TenantSchemas.version")(function* (slug: TenantSlug) {
    return yield* asTenant(sql, "TenantSchemas.version", slug)(versionIn(sql, schemaName(slug)))
  })

  return TenantSchemas.of({ provision, intact, migrateAll, erase, remains, version })
})
