/**
 * The tables of records in a schema. A tenant begins with one for events that has no partition yet, and so takes no row;
 * the partitions, and every other table, are made when the first row comes. Most tenants have few kinds, and making all
 * of them would double what a new tenant costs.
 *
 * A table is made as `records` describes it. One that is there keeps the columns it has: a column that a release adds
 * to the description needs a migration that adds it where the table exists.
 */
import { type ColumnType, logs, netflowMetrics, networkActivity, otelTraces, type RecordTable } from "@bulkhead/records"
import type { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { flowRollUps } from "./flowRollUps.ts"
import { hasTable } from "./hasTable.ts"
import { inOneTrip } from "./inOneTrip.ts"
import { lockPartitions, type MonthIndex, makePartitions, newPartition, type PartitionedTable } from "./partitions.ts"
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

const defaultOf = (table: string): string => `${table}_default`

/** The tables of records in `schema`: those that are partitioned. */
export const recordTablesIn = (sql: PgClient.PgClient, schema: string) =>
  sql<PartitionedTable>`
    select relname as name, attname as "timeColumn"
    from pg_partitioned_table join pg_class on pg_class.oid = partrelid
      join pg_namespace on pg_namespace.oid = relnamespace
      join pg_attribute on attrelid = partrelid and attnum = partattrs[0]
    where nspname = ${schema} order by 1`

/** Those that have had a row, and so have partitions. */
export const filledTablesIn = Effect.fnUntraced(function* (sql: PgClient.PgClient, schema: string) {
  const filled: Array<PartitionedTable> = []
  for (const table of yield* recordTablesIn(sql, schema)) {
    if (yield* hasTable(sql, schema, defaultOf(table.name))) filled.push(table)
  }
  return filled
})

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
    ...(extras.beside?.(schema) ?? [])
  ]
}

/**
 * Makes what is missing of the table, its default partition and those of `months`, in the tenant's transaction. The
 * default one takes what no monthly partition covers, so that an odd time never stops a lane. Gives false where all but
 * some months was there.
 */
const makeTable = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  schema: string,
  table: RecordTable,
  months: ReadonlyArray<MonthIndex>
) {
  const { name } = table
  if (yield* hasTable(sql, schema, defaultOf(name))) return false
  const isPresent = yield* hasTable(sql, schema, name)
  const parent = `${quoted(schema)}.${quoted(name)}`
  yield* inOneTrip(sql, [
    ...(isPresent ? [] : statementsOf(schema, table, yield* tenantIdIn(sql, schema))),
    `create table ${quoted(schema)}.${quoted(defaultOf(name))} partition of ${parent} default`,
    ...months.map((month) => newPartition(schema, name, month))
  ])
  return true
})

/** Makes what rows of these months need, where it is missing, in the tenant's transaction. */
export const prepareTable = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  schema: string,
  table: RecordTable,
  months: ReadonlyArray<MonthIndex>
) {
  yield* lockPartitions(sql, schema)
  if (yield* makeTable(sql, schema, table, months)) return
  if (months.length > 0) yield* makePartitions(sql, schema, table, months)
})
