/**
 * The tables of records in a schema. A tenant begins with one for events; any other is made when its first row comes,
 * because most tenants have few kinds, and making all of them would double what a new tenant costs.
 *
 * A table is made as `records` describes it. One that is there keeps the columns it has: a column that a release adds
 * to the description needs a migration that adds it where the table exists.
 */
import { type ColumnType, logs, netflowMetrics, networkActivity, otelTraces, type RecordTable } from "@bulkhead/records"
import type { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { flowRollUps } from "./flowRollUps.ts"
import { inOneTrip } from "./inOneTrip.ts"
import { lockPartitions, type MonthIndex, makePartitions, type PartitionedTable } from "./partitions.ts"
import { quoted } from "./quoted.ts"

/** Where the type of a column has another name than the way its values travel. */
const TYPES: Partial<Readonly<Record<ColumnType, string>>> = { bigint: "int8" }

/** What a table has beside the description of its rows. */
interface TableExtras {
  readonly columns?: ReadonlyArray<string>
  /** Definitions behind `create index on …`. */
  readonly indexes?: ReadonlyArray<string>
  /** What else is made in the schema with it. */
  readonly beside?: (schema: string) => ReadonlyArray<string>
}

const EXTRAS: Readonly<Record<string, TableExtras>> = {
  [logs.name]: {
    columns: ["id uuid not null default gen_random_uuid()"],
    // Grave records are few, and asked for the most.
    indexes: ["(timestamp) where severity_number >= 17", "(trace_id) where trace_id is not null"]
  },
  // A trace is looked for by its id, and its spans lie anywhere in their time.
  [otelTraces.name]: { indexes: ["(trace_id)"] },
  [networkActivity.name]: { columns: ["id uuid not null default gen_random_uuid()"] },
  [netflowMetrics.name]: { beside: flowRollUps }
}

/** The tables of records in `schema`: those that are partitioned. */
export const recordTablesIn = (sql: PgClient.PgClient, schema: string) =>
  sql<PartitionedTable>`
    select relname as name, attname as "timeColumn"
    from pg_partitioned_table join pg_class on pg_class.oid = partrelid
      join pg_namespace on pg_namespace.oid = relnamespace
      join pg_attribute on attrelid = partrelid and attnum = partattrs[0]
    where nspname = ${schema} order by 1`

/** The default of `tenant_id`, as the table that every schema has says it. */
const tenantIdIn = (sql: PgClient.PgClient, schema: string) =>
  Effect.map(
    sql<{ text: string }>`
      select pg_get_expr(adbin, adrelid) as text
      from pg_attrdef join pg_attribute on attrelid = adrelid and attnum = adnum
      where adrelid = ${`${quoted(schema)}.ocsf_events`}::regclass and attname = 'tenant_id'`,
    ([found]) => found?.text ?? "null"
  )

const statementsOf = (schema: string, { name, columns, timeColumn }: RecordTable, tenantId: string) => {
  const table = `${quoted(schema)}.${quoted(name)}`
  const extras = EXTRAS[name] ?? {}
  const texts = [
    ...(extras.columns ?? []),
    ...columns.map(([column, type]) => {
      const rule = column === timeColumn ? " not null" : ""
      return `${quoted(column)} ${TYPES[type] ?? type}${rule}`
    }),
    `tenant_id uuid not null default ${tenantId}`,
    "created_at timestamptz not null default now()",
    "lane_id smallint",
    "stream_seq bigint"
  ]
  return [
    `create table ${table} (${texts.join(", ")}) partition by range (${quoted(timeColumn)})`,
    `create index on ${table} using brin (${quoted(timeColumn)}) with (pages_per_range = 32, autosummarize = on)`,
    ...(extras.indexes ?? []).map((index) => `create index on ${table} ${index}`),
    `create table ${quoted(schema)}.${quoted(`${name}_default`)} partition of ${table} default`,
    ...(extras.beside?.(schema) ?? [])
  ]
}

/** Makes the table, unless it is there, in the tenant's transaction. */
const makeTable = Effect.fnUntraced(function* (sql: PgClient.PgClient, schema: string, table: RecordTable) {
  const [found] = yield* sql<{ isPresent: boolean }>`
    select to_regclass(${`${quoted(schema)}.${quoted(table.name)}`}) is not null as "isPresent"`
  if (found?.isPresent === true) return
  yield* inOneTrip(sql, statementsOf(schema, table, yield* tenantIdIn(sql, schema)))
})

/** Makes what rows of these months need, where it is missing, in the tenant's transaction. */
export const prepareTable = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  schema: string,
  table: RecordTable,
  months: ReadonlyArray<MonthIndex>
) {
  yield* lockPartitions(sql, schema)
  yield* makeTable(sql, schema, table)
  if (months.length > 0) yield* makePartitions(sql, schema, table, months)
})
