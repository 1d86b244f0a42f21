/**
 * What of each tenant's telemetry stands in PostgreSQL. Every device, span and figure of the load is named `<slug>-…`, so
 * each row says by itself whose it is.
 */
import { schemaName } from "@bulkhead/channels"
import { PgClient } from "@effect/sql-pg"
import { Effect, type Redacted } from "effect"
import { tenants } from "./tenants.ts"

/** Tables and what fills them: syslog and OTLP logs, spans, figures, the poller's checks, flows of a tenant's collector. */
export const tables = ["logs", "otel_traces", "otel_metrics", "ocsf_events", "netflow_metrics"] as const

/** Rows of one tenant in one table. */
export interface Count {
  readonly tenant: string
  readonly table: string
  readonly own: number
  readonly foreign: number
}

/** The names of a tenant's devices, or the address that its flows come from. */
const markOf = (tenant: (typeof tenants)[number]): string =>
  `\\y${tenant}-|\\y10\\.0\\.${tenants.indexOf(tenant) + 1}\\.1\\y`

const count = Effect.fnUntraced(function* (sql: PgClient.PgClient, tenant: (typeof tenants)[number], table: string) {
  const name = `${schemaName(tenant)}.${table}`
  const [present] = yield* sql<{ found: boolean }>`select to_regclass(${name}) is not null as found`
  if (present?.found !== true) return { tenant, table, own: 0, foreign: 0 }
  const others = tenants.filter((other) => other !== tenant).map(markOf)
  const [row] = yield* sql.unsafe<{ own: number; foreign: number }>(
    `select count(*) filter (where whole ~ $1)::int as own, count(*) filter (where whole ~ $2)::int as "foreign"
     from (select row_to_json(each)::text as whole from ${name} each) rows`,
    [markOf(tenant), others.join("|")]
  )
  return { tenant, table, own: row?.own ?? 0, foreign: row?.foreign ?? 0 }
})

/** Counts as the database's superuser, who sees every schema. */
export const countRows = (url: Redacted.Redacted<string>): Promise<ReadonlyArray<Count>> =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    return yield* Effect.forEach(
      tenants.flatMap((tenant) => tables.map((table) => [tenant, table] as const)),
      ([tenant, table]) => count(sql, tenant, table)
    )
  }).pipe(Effect.provide(PgClient.layer({ url, maxConnections: 1 })), Effect.runPromise)
