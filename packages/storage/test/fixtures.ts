/** What every suite here needs: a database with the control schema, and batches of events. */
import { schemaName, type TenantSlug } from "@bulkhead/channels"
import { PostgresServer, type RunningPostgresServer } from "@bulkhead/devstack"
import { type OcsfEventRow, ocsfEvents } from "@bulkhead/records"
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Redacted } from "effect"
import {
  Database,
  type LaneBatch,
  migrateControlSchema,
  storageLayer,
  TenantSchemas,
  TenantStore
} from "../src/index.ts"
import { whereTable } from "../src/internal/hasTable.ts"
import { becomeTenant } from "../src/internal/tenantTransaction.ts"

/**
 * A database on `server` and the URL of a login role as production has it: no superuser, but allowed to create roles,
 * and schemas in this database.
 */
export const applicationDatabase = Effect.fnUntraced(function* (server: RunningPostgresServer, name: string) {
  const url = yield* server.createDatabase(name)
  yield* asSuperuser(url, (sql) =>
    Effect.gen(function* () {
      const [found] = yield* sql`select 1 from pg_roles where rolname = 'application'`
      if (found === undefined) yield* sql`create role application login createrole password 'hidden-pass'`
      yield* sql.unsafe(`grant create on database "${name}" to application`)
    })
  )
  return Redacted.make(`postgres://application:hidden-pass@127.0.0.1:${server.port}/${name}`)
})

/** Runs statements as the server's superuser. */
export const asSuperuser = <A, E>(
  url: Redacted.Redacted<string>,
  use: (sql: PgClient.PgClient) => Effect.Effect<A, E>
) => Effect.flatMap(PgClient.PgClient, use).pipe(Effect.provide(PgClient.layer({ url, maxConnections: 1 })))

/** All services over a fresh, migrated database of `server`. */
export const storageOn = (server: RunningPostgresServer, name: string) =>
  storageLayer.pipe(
    Layer.provideMerge(
      Layer.effectDiscard(migrateControlSchema).pipe(
        Layer.provideMerge(
          Layer.unwrap(Effect.map(applicationDatabase(server, name), (url) => Database.layerWith({ url })))
        )
      )
    )
  )

/** The same, on a server of its own. */
export const storage = Layer.unwrap(Effect.map(PostgresServer, (server) => storageOn(server, "suite"))).pipe(
  Layer.provideMerge(PostgresServer.layer())
)

export const slug = (text: string) => text as TenantSlug

/** Creates and provisions a tenant. */
export const newTenant = Effect.fnUntraced(function* (text: string) {
  const tenant = yield* (yield* TenantStore).create({ slug: slug(text), name: text, plan: "pro" })
  yield* (yield* TenantSchemas).provision(tenant.slug)
  return tenant
})

export const uuid = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`

/** The event that stands at `sequence` in a stream. */
export const eventAt = (sequence: number, overrides: Partial<OcsfEventRow> = {}): OcsfEventRow => ({
  id: uuid(sequence),
  time: new Date(),
  class_uid: 1008,
  category_uid: 1,
  type_uid: 100_801,
  activity_id: 1,
  activity_name: "Create",
  severity_id: (sequence % 6) + 1,
  severity: null,
  message: `event ${sequence}`,
  status_id: null,
  status: null,
  status_code: null,
  status_detail: null,
  metadata: '{"version":"1.7.0"}',
  observables: null,
  trace_id: null,
  span_id: null,
  actor: null,
  device: null,
  src_endpoint: null,
  dst_endpoint: null,
  log_name: "events.ocsf.processed",
  log_provider: null,
  log_level: null,
  log_version: null,
  unmapped: null,
  raw_data: `{"n":${sequence}}`,
  ...overrides
})

export const LANE = "events-test@2026-11-24T00:00:00Z"

/** What a test wants different in a batch; the lane is the first one that the tenant opened. */
interface BatchWishes {
  readonly lane?: string
  readonly laneId?: number
  readonly events?: ReadonlyArray<OcsfEventRow>
  readonly deadLetters?: LaneBatch["deadLetters"]
}

export const eventsBetween = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => eventAt(from + index + 1))

/** A batch of the events from + 1 to `to`. */
export const batchOf = (tenant: string, from: number, to: number, wishes: BatchWishes = {}): LaneBatch => {
  const rows = wishes.events ?? eventsBetween(from, to)
  return {
    tenant: slug(tenant),
    lane: { name: wishes.lane ?? LANE, id: wishes.laneId ?? 1 },
    from,
    to,
    tables: [{ table: ocsfEvents, rows, sequences: rows.map((_, index) => from + index + 1) }],
    deadLetters: wishes.deadLetters ?? [],
    messageAt
  }
}

export const messageAt = (sequence: number) => ({
  sequence,
  subject: "acme.events.ocsf.processed",
  headers: { "Nats-Msg-Id": uuid(sequence) },
  payload: new TextEncoder().encode(`{"n":${sequence}}`),
  receivedAt: new Date()
})

/** A tenant's tables, read under its role. */
export const tablesOf = (tenant: TenantSlug) => {
  const read = (table: string, order: string) =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      const rows = sql<Record<string, unknown>>`
        select * from ${sql(schemaName(tenant))}.${sql(table)} order by ${sql(order)}`.pipe(
        whereTable(sql, schemaName(tenant), table)
      )
      return yield* Effect.andThen(becomeTenant(sql, tenant), rows).pipe(sql.withTransaction)
    })
  return { events: read("ocsf_events", "id"), deadLetters: read("dead_letters", "id") }
}

/** The ids of a tenant's events. */
export const rowsOf = (tenant: TenantSlug) =>
  Effect.map(tablesOf(tenant).events, (rows) => rows.map((row) => String(row.id)))
