/**
 * The tables of records in a tenant's schema and in the schema that its replay fills, in the tenant's transaction.
 * Both schemas are made alike, so a table of the one can take the place of its namesake in the other.
 */
import {
  logs,
  networkActivity,
  ocsfEvents,
  otelMetrics,
  otelTraces,
  type RecordTable,
  timeseriesMetrics
} from "@bulkhead/records"
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect } from "effect"
import { endOf, listMonths, type MonthIndex, makePartitions, monthOf, type PartitionedTable } from "./partitions.ts"
import { quoted } from "./quoted.ts"
import { prepareTable, recordTablesIn } from "./recordTables.ts"

/** A schema with the rows of a tenant, and the one that is to replace its tables. */
export interface ReplaySchemas {
  readonly live: string
  readonly fresh: string
}

/** What a replay writes itself, and so is not copied. */
export interface Covered {
  readonly laneId: number
  readonly fromSequence: number
}

/** Rows with times from `since` to before `until`; open where absent. */
export interface Window {
  readonly since?: Date
  readonly until?: Date
}

/** Tables that one lane alone fills: such a one changes places with its namesake as a whole. */
const OWN_TABLES: ReadonlyArray<RecordTable> = [ocsfEvents, logs, otelMetrics, otelTraces, timeseriesMetrics]

/** Tables where other lanes write as well, all the time: of such a one only the replayed rows are exchanged. */
const COMMON_TABLES: ReadonlyArray<RecordTable> = [networkActivity]

const namesIn = (sql: PgClient.PgClient, schema: string) =>
  Effect.map(recordTablesIn(sql, schema), (tables) => new Set(tables.map(({ name }) => name)))

const ownTablesIn = (sql: PgClient.PgClient, schema: string) =>
  Effect.map(namesIn(sql, schema), (names) => OWN_TABLES.filter(({ name }) => names.has(name)))

/** Makes the tables in the fresh schema that the live one has, with a partition for each of their months. */
export const prepareNamesakes = Effect.fnUntraced(function* (sql: PgClient.PgClient, { live, fresh }: ReplaySchemas) {
  for (const table of yield* ownTablesIn(sql, live)) {
    yield* prepareTable(sql, fresh, table, yield* listMonths(sql, live, table.name))
  }
})

const startOf = (month: MonthIndex): Date => endOf(month - 1)

/** The time before which only odd rows are, and the one after which only odd rows are. */
export const ordinaryTimes = Effect.fnUntraced(function* (sql: PgClient.PgClient, schema: string, now: Date) {
  const months = [monthOf(now)]
  for (const { name } of yield* ownTablesIn(sql, schema)) months.push(...(yield* listMonths(sql, schema, name)))
  return { first: startOf(Math.min(...months)), end: endOf(Math.max(...months)) }
})

const columnsOf = (sql: PgClient.PgClient, schema: string, table: string) =>
  Effect.map(
    sql<{ name: string }>`
      select attname as name from pg_attribute
      where attrelid = ${`${quoted(schema)}.${quoted(table)}`}::regclass and attnum > 0 and not attisdropped
        and attgenerated = '' order by attnum`,
    (rows) => rows.map(({ name }) => quoted(name)).join(", ")
  )

/** Copies the rows of a window that the replay does not write itself; gives how many, and how many of the lane. */
export const copyWindow = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  { live, fresh }: ReplaySchemas,
  { since, until }: Window,
  { laneId, fromSequence }: Covered
) {
  // While rows move into a new partition, a statement that was planned before would miss them.
  yield* sql`select pg_advisory_xact_lock_shared(hashtextextended(${`bulkhead.partitions.${live}`}, 0))`
  let rows = 0
  let ofLane = 0
  const prepared = yield* namesIn(sql, fresh)
  for (const { name, timeColumn } of yield* ownTablesIn(sql, live)) {
    // Made since the replay began: all its rows are the replay's own to write.
    if (!prepared.has(name)) continue
    const columns = yield* columnsOf(sql, live, name)
    const time = sql(timeColumn)
    const [copied] = yield* sql<{ rows: number; ofLane: number }>`
      with copied as (
        insert into ${sql(fresh)}.${sql(name)} (${sql.literal(columns)})
        select ${sql.literal(columns)} from ${sql(live)}.${sql(name)}
        where ${since === undefined ? sql`true` : sql`${time} >= ${PgTypes.timestamptz(since)}`}
          and ${until === undefined ? sql`true` : sql`${time} < ${PgTypes.timestamptz(until)}`}
          and (lane_id = ${PgTypes.int2(laneId)} and stream_seq >= ${PgTypes.int8(BigInt(fromSequence))}) is not true
        returning lane_id
      ) select count(*)::float8 as rows, (count(*) filter (where lane_id = ${PgTypes.int2(laneId)}))::float8 as "ofLane"
      from copied`
    rows += copied?.rows ?? 0
    ofLane += copied?.ofLane ?? 0
  }
  return { rows, ofLane }
})

/** Lets nobody else use the tables that change places until the end of the transaction. */
export const lockTables = Effect.fnUntraced(function* (sql: PgClient.PgClient, schema: string) {
  for (const { name } of yield* ownTablesIn(sql, schema)) {
    yield* sql.unsafe(`lock table ${quoted(schema)}.${quoted(name)} in access exclusive mode`).unprepared
  }
})

/** Whoever may read the old table may read the new one. */
const copyGrants = (schemas: ReplaySchemas, table: string): string => {
  const target = `${quoted(schemas.fresh)}.${quoted(table)}`
  return `declare granted record; begin
    for granted in
      select privilege_type as privilege, is_grantable, case grantee when 0 then 'public' else quote_ident(rolname) end as grantee
      from pg_class cross join aclexplode(relacl) left join pg_roles on pg_roles.oid = grantee
      where pg_class.oid = '${quoted(schemas.live)}.${quoted(table)}'::regclass and grantee <> relowner
    loop
      execute format('grant %s on ${target} to %s%s', granted.privilege, granted.grantee,
        case when granted.is_grantable then ' with grant option' else '' end);
    end loop;
  end`
}

/** Puts a fresh table in the place of the live one, if there is one. */
const replaceTable = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  schemas: ReplaySchemas,
  table: string,
  isLive: boolean
) {
  const { live, fresh } = schemas
  if (isLive) {
    yield* sql.unsafe(`do $grants$ ${copyGrants(schemas, table)} $grants$`).unprepared
    yield* sql.unsafe(`drop table ${quoted(live)}.${quoted(table)}`).unprepared
  }
  const partitions = yield* sql<{ name: string }>`
    select relname as name from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = ${`${quoted(fresh)}.${quoted(table)}`}::regclass`
  for (const name of [table, ...partitions.map((partition) => partition.name)]) {
    yield* sql.unsafe(`alter table ${quoted(fresh)}.${quoted(name)} set schema ${quoted(live)}`).unprepared
  }
})

/** Adds the rows of a fresh table to the live one. */
const addRows = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  { live, fresh }: ReplaySchemas,
  table: PartitionedTable
) {
  yield* makePartitions(sql, live, table, yield* listMonths(sql, fresh, table.name))
  const columns = sql.literal(yield* columnsOf(sql, fresh, table.name))
  yield* sql`
    insert into ${sql(live)}.${sql(table.name)} (${columns})
    select ${columns} from ${sql(fresh)}.${sql(table.name)}`
})

/** Puts what the replay wrote in the place of what was there, and ends the fresh schema. */
export const replaceTables = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  schemas: ReplaySchemas,
  { laneId, fromSequence }: Covered
) {
  const { live, fresh } = schemas
  yield* prepareNamesakes(sql, schemas)
  const present = yield* namesIn(sql, live)
  const own = new Set(OWN_TABLES.map(({ name }) => name))
  const written = yield* recordTablesIn(sql, fresh)
  const common = [...COMMON_TABLES, ...written].filter(({ name }) => present.has(name) && !own.has(name))
  for (const name of new Set(common.map((table) => table.name))) {
    yield* sql`
      delete from ${sql(live)}.${sql(name)}
      where lane_id = ${PgTypes.int2(laneId)} and stream_seq >= ${PgTypes.int8(BigInt(fromSequence))}`
  }
  for (const table of written) {
    const isLive = present.has(table.name)
    if (isLive && !own.has(table.name)) yield* addRows(sql, schemas, table)
    else yield* replaceTable(sql, schemas, table.name, isLive)
  }
  yield* sql.unsafe(`drop schema ${quoted(fresh)} cascade`).unprepared
})
