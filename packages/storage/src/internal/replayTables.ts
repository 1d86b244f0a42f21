/**
 * The tables of records in a tenant's schema and in the schema that its replay fills, in the tenant's transaction.
 * Both schemas come from the same migrations, so a table of the one can take the place of its namesake in the other.
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect } from "effect"
import { endOf, listMonths, type MonthIndex, makePartitions, monthOf } from "./partitions.ts"
import { quoted } from "./quoted.ts"

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

/** The tables that hold records: those that are partitioned. */
export const recordTablesIn = (sql: PgClient.PgClient, schema: string) =>
  Effect.map(
    sql<{ name: string }>`
      select relname as name from pg_class join pg_namespace on pg_namespace.oid = relnamespace
      where nspname = ${schema} and relkind = 'p' order by 1`,
    (rows) => rows.map(({ name }) => name)
  )

/** Makes partitions in the fresh schema for the months that the live one has. */
export const prepareMonths = Effect.fnUntraced(function* (sql: PgClient.PgClient, { live, fresh }: ReplaySchemas) {
  for (const table of yield* recordTablesIn(sql, fresh)) {
    yield* makePartitions(sql, fresh, table, yield* listMonths(sql, live, table))
  }
})

const startOf = (month: MonthIndex): Date => endOf(month - 1)

/** The time before which only odd rows are, and the one after which only odd rows are. */
export const ordinaryTimes = Effect.fnUntraced(function* (sql: PgClient.PgClient, schema: string, now: Date) {
  const months = [monthOf(now)]
  for (const table of yield* recordTablesIn(sql, schema)) months.push(...(yield* listMonths(sql, schema, table)))
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
  for (const table of yield* recordTablesIn(sql, fresh)) {
    const columns = yield* columnsOf(sql, live, table)
    const [copied] = yield* sql<{ rows: number; ofLane: number }>`
      with copied as (
        insert into ${sql(fresh)}.${sql(table)} (${sql.literal(columns)})
        select ${sql.literal(columns)} from ${sql(live)}.${sql(table)}
        where ${since === undefined ? sql`true` : sql`time >= ${PgTypes.timestamptz(since)}`}
          and ${until === undefined ? sql`true` : sql`time < ${PgTypes.timestamptz(until)}`}
          and (lane_id = ${PgTypes.int2(laneId)} and stream_seq >= ${PgTypes.int8(BigInt(fromSequence))}) is not true
        returning lane_id
      ) select count(*)::float8 as rows, (count(*) filter (where lane_id = ${PgTypes.int2(laneId)}))::float8 as "ofLane"
      from copied`
    rows += copied?.rows ?? 0
    ofLane += copied?.ofLane ?? 0
  }
  return { rows, ofLane }
})

/** Lets nobody else use the tables of records until the end of the transaction. */
export const lockTables = Effect.fnUntraced(function* (sql: PgClient.PgClient, schema: string) {
  for (const table of yield* recordTablesIn(sql, schema)) {
    yield* sql.unsafe(`lock table ${quoted(schema)}.${quoted(table)} in access exclusive mode`).unprepared
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

/** Puts the fresh tables in the place of the live ones, and ends the fresh schema. */
export const replaceTables = Effect.fnUntraced(function* (sql: PgClient.PgClient, schemas: ReplaySchemas) {
  const { live, fresh } = schemas
  for (const table of yield* recordTablesIn(sql, fresh)) {
    yield* sql.unsafe(`do $grants$ ${copyGrants(schemas, table)} $grants$`).unprepared
    yield* sql.unsafe(`drop table ${quoted(live)}.${quoted(table)}`).unprepared
    const partitions = yield* sql<{ name: string }>`
      select relname as name from pg_inherits join pg_class on pg_class.oid = inhrelid
      where inhparent = ${`${quoted(fresh)}.${quoted(table)}`}::regclass`
    for (const name of [table, ...partitions.map((partition) => partition.name)]) {
      yield* sql.unsafe(`alter table ${quoted(fresh)}.${quoted(name)} set schema ${quoted(live)}`).unprepared
    }
  }
  yield* sql.unsafe(`drop schema ${quoted(fresh)} cascade`).unprepared
})
