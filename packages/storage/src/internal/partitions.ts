/**
 * The monthly partitions of a table of records. Months keep their number small, and a month is dropped as a whole.
 *
 * A partition is made when its first row comes, from a year ago to a month ahead. Rows of other times stay in the
 * default partition: an event from 1970, or a sender with a wild clock, must neither stop a lane nor make a thousand
 * tables.
 */
import type { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { inOneTrip } from "./inOneTrip.ts"
import { quoted } from "./quoted.ts"

/** A table of records: one that has a partition for each month of the time in a column. */
export interface PartitionedTable {
  readonly name: string
  readonly timeColumn: string
}

export const MONTHS_BACK_MAX = 12
export const MONTHS_AHEAD_MAX = 1

/** Months since year 0: an order and a key without allocation. */
export type MonthIndex = number

export const monthOf = (time: Date): MonthIndex => time.getUTCFullYear() * 12 + time.getUTCMonth()

export const isInWindow = (month: MonthIndex, now: Date): boolean => {
  const current = monthOf(now)
  return month >= current - MONTHS_BACK_MAX && month <= current + MONTHS_AHEAD_MAX
}

const twoDigits = (value: number): string => String(value).padStart(2, "0")

const firstDay = (month: MonthIndex): string => `${Math.floor(month / 12)}-${twoDigits((month % 12) + 1)}-01`

const startOf = (month: MonthIndex): string => `${firstDay(month)} 00:00:00+00`

export const partitionName = (table: string, month: MonthIndex): string =>
  `${table}_${firstDay(month).slice(0, 7).replace("-", "_")}`

const MONTH_OF_NAME = /_(\d{4})_(\d{2})$/

const monthOfName = (name: string): MonthIndex | undefined => {
  const match = MONTH_OF_NAME.exec(name)
  return match === null ? undefined : Number(match[1]) * 12 + Number(match[2]) - 1
}

/** The first instant after the month. */
export const endOf = (month: MonthIndex): Date => new Date(Date.UTC(Math.floor(month / 12), (month % 12) + 1, 1))

/** The months that have a partition, in the tenant's transaction. */
export const listMonths = (sql: PgClient.PgClient, schema: string, table: string) =>
  Effect.map(
    sql<{ name: string }>`
      select relname as name from pg_inherits join pg_class on pg_class.oid = inhrelid
      where inhparent = ${`${quoted(schema)}.${quoted(table)}`}::regclass order by 1`,
    (rows) => rows.map(({ name }) => monthOfName(name)).filter((month) => month !== undefined)
  )

/** Of two writers who miss the same table or month at once, the second one waits here, and finds it made. */
export const lockPartitions = (sql: PgClient.PgClient, schema: string) =>
  sql`select pg_advisory_xact_lock(hashtextextended(${`bulkhead.partitions.${schema}`}, 0))`

/**
 * Makes the partitions that are missing among `months`, in the tenant's transaction, and gives those it made. Rows of
 * such a month that wait in the default partition move, because PostgreSQL refuses a partition whose rows are there.
 */
export const makePartitions = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  schema: string,
  table: PartitionedTable,
  months: ReadonlyArray<MonthIndex>
) {
  yield* lockPartitions(sql, schema)
  const present = new Set(yield* listMonths(sql, schema, table.name))
  const missing = months.filter((month) => !present.has(month))
  for (const month of missing) yield* makePartition(sql, schema, table, month)
  return missing
})

/** The statement that makes a month's partition in a table that has no row yet. */
export const newPartition = (schema: string, table: string, month: MonthIndex): string =>
  `create table ${quoted(schema)}.${quoted(partitionName(table, month))}
    partition of ${quoted(schema)}.${quoted(table)} for values ${rangeOf(month)}`

const rangeOf = (month: MonthIndex): string => `from ('${startOf(month)}') to ('${startOf(month + 1)}')`

const makePartition = (sql: PgClient.PgClient, schema: string, table: PartitionedTable, month: MonthIndex) => {
  const { name } = table
  const parent = `${quoted(schema)}.${quoted(name)}`
  const waiting = `${quoted(schema)}.${quoted(`${name}_default`)}`
  const partition = `${quoted(schema)}.${quoted(partitionName(name, month))}`
  const time = quoted(table.timeColumn)
  return inOneTrip(sql, [
    `create table ${partition} (like ${parent} including defaults including storage)`,
    `with moved as (
      delete from ${waiting} where ${time} >= '${startOf(month)}' and ${time} < '${startOf(month + 1)}' returning *
    ) insert into ${partition} select * from moved`,
    // Attaching takes a weaker lock on the table than creating the partition in place, so readers go on.
    `alter table ${parent} attach partition ${partition} for values ${rangeOf(month)}`
  ])
}
