/**
 * What stands in the demo tenants' tables, read as the database's superuser.
 */
import { schemaName, type TenantSlug } from "@bulkhead/channels"
import { logs, netflowMetrics, ocsfEvents, otelMetrics, otelTraces, type RecordTable } from "@bulkhead/records"
import { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { type DemoTenant, demoTenants } from "./demoTenants.ts"
import { deviceNames } from "./devices/runDevices.ts"

/** The rows of one table of one tenant. */
export interface TableRows {
  readonly tenant: TenantSlug
  readonly table: string
  readonly rows: number
}

const tablesOf = Effect.fnUntraced(function* (tenant: DemoTenant) {
  const sql = yield* PgClient.PgClient
  const found = yield* sql<{ table: string }>`
    select relname as table
    from pg_partitioned_table join pg_class on pg_class.oid = partrelid join pg_namespace on pg_namespace.oid = relnamespace
    where nspname = ${schemaName(tenant.slug)} order by 1`
  return found.map(({ table }) => ({ tenant: tenant.slug, table }))
})

/** Each table of records that there is, with its rows. */
export const storedRows = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const tables = (yield* Effect.forEach(demoTenants, tablesOf)).flat()
  if (tables.length === 0) return []
  const counts = tables.map(
    ({ tenant, table }) =>
      `select '${tenant}' as tenant, '${table}' as table, count(*)::int as rows from ${schemaName(tenant)}.${table}`
  )
  return yield* sql.unsafe<TableRows>(counts.join(" union all "))
})

/** A kind of telemetry: the table where it ends, and what its rows say of a tenant. */
export interface Kind {
  readonly name: string
  readonly table: RecordTable
  /** A text that each of its rows has, and that no other kind's rows in the same table have. */
  readonly mark: (tenant: DemoTenant) => string
  readonly rowsWanted: number
}

/** The kinds that the demo tenants send. */
export const KINDS: ReadonlyArray<Kind> = [
  { name: "events", table: ocsfEvents, mark: ({ slug }) => `${slug}-`, rowsWanted: 20 },
  { name: "syslog (UDP)", table: logs, mark: (tenant) => deviceNames(tenant).router, rowsWanted: 1 },
  { name: "syslog (TCP)", table: logs, mark: (tenant) => deviceNames(tenant).firewall, rowsWanted: 1 },
  { name: "traps", table: logs, mark: (tenant) => deviceNames(tenant).switch, rowsWanted: 1 },
  { name: "OTLP logs", table: logs, mark: (tenant) => deviceNames(tenant).shop, rowsWanted: 1 },
  { name: "OTLP metrics", table: otelMetrics, mark: (tenant) => deviceNames(tenant).shop, rowsWanted: 1 },
  { name: "OTLP traces", table: otelTraces, mark: (tenant) => deviceNames(tenant).shop, rowsWanted: 1 },
  { name: "flows", table: netflowMetrics, mark: (tenant) => deviceNames(tenant).exporters, rowsWanted: 1 }
]

/** The rows of one kind in one tenant's schema: the tenant's own, and those that name another. */
export interface KindRows {
  readonly kind: Kind
  readonly own: number
  readonly foreign: number
}

/** None where the table is not made yet. */
export const kindRows = Effect.fnUntraced(function* (tenant: DemoTenant, kind: Kind) {
  const sql = yield* PgClient.PgClient
  const made = (yield* tablesOf(tenant)).some(({ table }) => table === kind.table.name)
  if (!made) return { kind, own: 0, foreign: 0 } satisfies KindRows
  const others = demoTenants.filter((other) => other !== tenant).map(kind.mark)
  const [row] = yield* sql.unsafe<{ own: number; foreign: number }>(
    `select count(*) filter (where position($1 in row::text) > 0)::int as own,
            count(*) filter (where ${others.map((_, at) => `position($${at + 2} in row::text) > 0`).join(" or ")})::int as "foreign"
     from ${schemaName(tenant.slug)}.${kind.table.name} as row`,
    [kind.mark(tenant), ...others]
  )
  return { kind, own: row?.own ?? 0, foreign: row?.foreign ?? 0 } satisfies KindRows
})
