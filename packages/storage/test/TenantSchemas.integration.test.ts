import { PostgresServer } from "@bulkhead/devstack"
import { ocsfEvents } from "@bulkhead/records"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { Database, type StorageError, TenantSchemas, TenantStore } from "../src/index.ts"
import { prepareTable } from "../src/internal/recordTables.ts"
import { newestVersion } from "../src/internal/tenantMigrations.ts"
import { becomeTenant } from "../src/internal/tenantTransaction.ts"
import { asSuperuser, newTenant, slug, storage } from "./fixtures.ts"

/** Runs one statement under a tenant's role and gives PostgreSQL's code for its refusal, or "done". */
const underRole = Effect.fnUntraced(function* (tenant: string, statement: string) {
  const { sql } = yield* Database
  return yield* Effect.andThen(becomeTenant(sql, slug(tenant)), sql.unsafe(statement)).pipe(
    sql.withTransaction,
    Effect.as("done"),
    Effect.catch((error) => Effect.succeed(String((error.reason.cause as { code?: string }).code)))
  )
})

const versionsOf = (tenant: string) => Effect.flatMap(TenantSchemas, (schemas) => schemas.version(slug(tenant)))

describe("TenantSchemas", () => {
  layer(storage, { excludeTestServices: true })((it) => {
    describe("provision", () => {
      it.effect("gives the tenant a role that cannot log in and owns all it has", () =>
        Effect.gen(function* () {
          const { sql } = yield* Database
          yield* newTenant("owner-co")
          const roles = yield* sql`
            select rolcanlogin, rolinherit, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls
            from pg_roles where rolname = 'tenant_owner_co'`
          assert.deepStrictEqual(roles, [
            {
              rolcanlogin: false,
              rolinherit: false,
              rolsuper: false,
              rolcreaterole: false,
              rolcreatedb: false,
              rolbypassrls: false
            }
          ])
          const owners = yield* sql<{ owner: string }>`
            select distinct pg_get_userbyid(relowner) as owner from pg_class
              join pg_namespace on pg_namespace.oid = relnamespace where nspname = 'tenant_owner_co'
            union select pg_get_userbyid(nspowner) from pg_namespace where nspname = 'tenant_owner_co'`
          assert.deepStrictEqual(owners, [{ owner: "tenant_owner_co" }])
        })
      )

      it.effect("writes the tenant's id into every row by itself", () =>
        Effect.gen(function* () {
          const { sql } = yield* Database
          const tenant = yield* newTenant("stamped")
          const [row] = yield* Effect.andThen(
            Effect.andThen(becomeTenant(sql, tenant.slug), prepareTable(sql, "tenant_stamped", ocsfEvents, [])),
            sql<{ id: string }>`
              insert into tenant_stamped.ocsf_events (id, time, class_uid, category_uid, type_uid, activity_id)
              values (gen_random_uuid(), now(), 1, 1, 1, 1) returning tenant_id as id`
          ).pipe(sql.withTransaction)
          assert.strictEqual(row?.id, tenant.id)
        })
      )

      it.effect("does nothing the second time, and once when eight ask at a time", () =>
        Effect.gen(function* () {
          const schemas = yield* TenantSchemas
          yield* (yield* TenantStore).create({ slug: slug("crowded"), name: "Crowded", plan: "free" })
          const results = yield* Effect.all(
            Array.from({ length: 8 }, () => schemas.provision(slug("crowded"))),
            { concurrency: "unbounded" }
          )
          assert.lengthOf(
            results.filter(({ before }) => before === 0),
            1
          )
          const version = yield* versionsOf("crowded")
          assert.deepStrictEqual(yield* schemas.provision(slug("crowded")), { before: version, after: version })
        })
      )

      it.effect("provisions many tenants at once", () =>
        Effect.gen(function* () {
          yield* Effect.forEach(
            Array.from({ length: 12 }, (_, index) => `many-${index}`),
            newTenant,
            { concurrency: "unbounded" }
          )
          assert.isAbove(yield* versionsOf("many-11"), 0)
        })
      )

      it.effect("refuses a schema of a version it cannot bring up to date, and says so", () =>
        Effect.gen(function* () {
          const { sql } = yield* Database
          const { slug: old } = yield* newTenant("outdated")
          yield* Effect.andThen(
            becomeTenant(sql, old),
            sql`update tenant_outdated.schema_migrations set version = version - ${newestVersion - 4}`
          ).pipe(sql.withTransaction)
          const error = yield* Effect.flip((yield* TenantSchemas).provision(old))
          assert.match(error.message, /"tenant_outdated" has version 4.*oldest that is read is 5.*empty database/)
        })
      )

      it.effect("refuses a tenant that does not exist", () =>
        Effect.gen(function* () {
          const error = yield* Effect.flip((yield* TenantSchemas).provision(slug("nobody")))
          assert.strictEqual(error.reason._tag, "TenantUnknown")
        })
      )

      it.effect("leaves nothing behind when it fails half-way", () =>
        Effect.gen(function* () {
          const { sql } = yield* Database
          yield* (yield* TenantStore).create({ slug: slug("half"), name: "Half", plan: "free" })
          const server = yield* PostgresServer
          // Somebody else's schema stands where the tenant's should be.
          yield* asSuperuser(server.url("suite"), (admin) => admin`create schema tenant_half`)
          const error = yield* Effect.flip((yield* TenantSchemas).provision(slug("half")))
          assert.strictEqual(error.reason._tag, "StatementRefused")
          assert.isEmpty(yield* sql`select 1 from pg_roles where rolname = 'tenant_half'`)
          yield* asSuperuser(server.url("suite"), (admin) => admin`drop schema tenant_half`)
        })
      )
    })

    describe("walls", () => {
      const statements = (schema: string): ReadonlyArray<string> => [
        `select * from ${schema}.ocsf_events`,
        `insert into ${schema}.watermarks (lane) values ('x')`,
        `update ${schema}.watermarks set seq = 0`,
        `delete from ${schema}.ocsf_events`,
        `truncate ${schema}.ocsf_events`,
        `select * from ${schema}.dead_letters`,
        `select * from ${schema}.schema_migrations`,
        `create table ${schema}.mine (n int)`,
        `alter table ${schema}.ocsf_events add column mine int`,
        `drop table ${schema}.ocsf_events_default`,
        `drop schema ${schema} cascade`,
        `grant all on schema ${schema} to public`,
        `select nextval('${schema}.dead_letters_id_seq')`
      ]
      const controlStatements = [
        "select * from bulkhead.tenants",
        "update bulkhead.tenants set status = 'deleting'",
        "insert into bulkhead.outbox (tenant, kind, subject, payload) values ('a', 'event', 's', '{}')",
        "delete from bulkhead.outbox",
        "create table bulkhead.mine (n int)",
        "drop schema bulkhead cascade"
      ]

      it.effect("PostgreSQL refuses under one tenant's role every statement on another's schema", () =>
        Effect.gen(function* () {
          yield* newTenant("wall-a")
          yield* newTenant("wall-b")
          for (const statement of statements("tenant_wall_b")) {
            assert.strictEqual(yield* underRole("wall-a", statement), "42501", statement)
          }
          assert.strictEqual(yield* underRole("wall-b", "select * from tenant_wall_b.ocsf_events"), "done")
        })
      )

      it.effect("PostgreSQL refuses a tenant's role the control schema, public, and new schemas and roles", () =>
        Effect.gen(function* () {
          yield* newTenant("wall-c")
          const others = ["create table public.mine (n int)", "create schema mine", "create role mine"]
          for (const statement of [...controlStatements, ...others]) {
            assert.strictEqual(yield* underRole("wall-c", statement), "42501", statement)
          }
        })
      )

      it.effect("our own login role reaches a tenant's rows only by taking the tenant's role", () =>
        Effect.gen(function* () {
          const { sql } = yield* Database
          yield* newTenant("wall-d")
          const error = yield* Effect.flip(sql`select * from tenant_wall_d.ocsf_events`)
          assert.strictEqual(error.reason._tag, "AuthorizationError")
        })
      )

      it.effect("a login role without our grants can take no tenant's role", () =>
        Effect.gen(function* () {
          yield* newTenant("wall-e")
          const server = yield* PostgresServer
          yield* asSuperuser(server.url("suite"), (admin) => admin`create role stranger login`)
          const stranger = Redacted.make(`postgres://stranger@127.0.0.1:${server.port}/suite`)
          const error = yield* Effect.flip(asSuperuser(stranger, (sql) => sql`set role tenant_wall_e`))
          assert.strictEqual(error.reason._tag, "AuthorizationError")
        })
      )
    })

    describe("migrateAll", () => {
      it.effect("reports each tenant, and one that fails stops no other", () =>
        Effect.gen(function* () {
          const store = yield* TenantStore
          const server = yield* PostgresServer
          for (const name of ["mig-a", "mig-b", "mig-c"]) {
            yield* store.create({ slug: slug(name), name, plan: "free" })
          }
          yield* store.request(slug("mig-c"), { status: "deleting" })
          yield* asSuperuser(server.url("suite"), (admin) => admin`create schema tenant_mig_a`)
          const report = new Map((yield* (yield* TenantSchemas).migrateAll).map((outcome) => [outcome.tenant, outcome]))
          const failure = report.get(slug("mig-a"))
          assert.strictEqual(failure?.ok === false && (failure.error as StorageError).reason._tag, "StatementRefused")
          assert.deepInclude(report.get(slug("mig-b")), { ok: true, before: 0 })
          assert.isFalse(report.has(slug("mig-c")))
          assert.deepInclude(report.get(slug("default")), { ok: true })
          yield* asSuperuser(server.url("suite"), (admin) => admin`drop schema tenant_mig_a`)
        })
      )
    })

    describe("erase", () => {
      it.effect("leaves neither schema nor role of the tenant, and others as they are; again, it does nothing", () =>
        Effect.gen(function* () {
          const schemas = yield* TenantSchemas
          yield* newTenant("erase-a")
          yield* newTenant("erase-b")
          assert.deepStrictEqual(yield* schemas.remains(slug("erase-a")), { schema: true, role: true })
          yield* schemas.erase(slug("erase-a"))
          assert.deepStrictEqual(yield* schemas.remains(slug("erase-a")), { schema: false, role: false })
          assert.deepStrictEqual(yield* schemas.remains(slug("erase-b")), { schema: true, role: true })
          yield* schemas.erase(slug("erase-a"))
        })
      )
    })

    describe("version", () => {
      it.effect("says so where the tenant has no schema", () =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(versionsOf("ghost"))
          assert.strictEqual(error.reason._tag, "TenantNotProvisioned")
        })
      )
    })
  })
})
