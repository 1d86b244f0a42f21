/**
 * Keeps each tenant's tables within its time: partitions for the coming month are made, whole months are dropped when
 * their last day has expired.
 */
import { schemaName, type TenantSlug } from "@bulkhead/channels"
import { ocsfEvents } from "@bulkhead/records"
import { Clock, Context, Effect, Layer } from "effect"
import { Database } from "./Database.ts"
import { DEAD_LETTERS } from "./internal/deadLetterTables.ts"
import { expireRollUps } from "./internal/flowRollUps.ts"
import { whereTable } from "./internal/hasTable.ts"
import {
  endOf,
  listMonths,
  makePartitions,
  monthOf,
  type PartitionedTable,
  partitionName
} from "./internal/partitions.ts"
import { filledTablesIn } from "./internal/recordTables.ts"
import { asTenant } from "./internal/tenantTransaction.ts"
import type { StorageError } from "./StorageError.ts"

/** How long to keep what. */
export interface RetentionOptions {
  /** Records whose time is older than so many days may go; a month goes when all of it is older. */
  readonly days: number
}

/** What one run did. */
export interface RetentionReport {
  /** Partitions made for this month and the next. */
  readonly made: ReadonlyArray<string>
  readonly dropped: ReadonlyArray<string>
  /** Expired rows deleted from the default partition, which holds odd times. */
  readonly strayRows: number
  /** Expired dead letters deleted. */
  readonly deadLetters: number
}

/** Runs a tenant's retention; any process may, at any time, as often as it likes. */
export class Retention extends Context.Service<
  Retention,
  {
    readonly run: (tenant: TenantSlug, options: RetentionOptions) => Effect.Effect<RetentionReport, StorageError>
  }
>()("@bulkhead/storage/Retention") {
  static readonly layer: Layer.Layer<Retention, never, Database> = Layer.effect(
    Retention,
    Effect.suspend(() => make)
  )
}

const DAY_MS = 86_400_000

const make = Effect.gen(function* () {
  const { sql } = yield* Database

  /** Drops the months of a table that have expired whole, and deletes the odd rows that have. */
  const expire = Effect.fnUntraced(function* (schema: string, table: PartitionedTable, expiry: Date) {
    const { name, timeColumn } = table
    const expired = (yield* listMonths(sql, schema, name)).filter((present) => endOf(present) <= expiry)
    const dropped = expired.map((month) => partitionName(name, month))
    for (const old of dropped) yield* sql`drop table ${sql(schema)}.${sql(old)}`.unprepared
    const [strays] = yield* sql<{ count: number }>`
      with strays as (
        delete from ${sql(schema)}.${sql(`${name}_default`)} where ${sql(timeColumn)} < ${expiry} returning 1
      ) select count(*)::int as count from strays`
    return { dropped, strayRows: strays?.count ?? 0 }
  })

  const run = Effect.fn("Retention.run")(function* (tenant: TenantSlug, options: RetentionOptions) {
    const schema = schemaName(tenant)
    const now = new Date(yield* Clock.currentTimeMillis)
    const lifetimeMs = options.days * DAY_MS
    const expiry = new Date(now.getTime() - lifetimeMs)
    return yield* Effect.gen(function* () {
      const tables = yield* filledTablesIn(sql, schema)
      // Of other kinds a month is made when its first row comes.
      const month = monthOf(now)
      const hasEvents = tables.some(({ name }) => name === ocsfEvents.name)
      const made = hasEvents ? yield* makePartitions(sql, schema, ocsfEvents, [month, month + 1]) : []
      const dropped: Array<string> = []
      let strayRows = 0
      for (const table of tables) {
        const expired = yield* expire(schema, table, expiry)
        dropped.push(...expired.dropped)
        strayRows += expired.strayRows
      }
      yield* expireRollUps(sql, schema, { now, lifetimeMs })
      const [letters] = yield* sql<{ count: number }>`
        with letters as (delete from ${sql(schema)}.dead_letters where received_at < ${expiry} returning 1)
        select count(*)::int as count from letters`.pipe(whereTable(sql, schema, DEAD_LETTERS))
      return {
        made: made.map((month) => partitionName(ocsfEvents.name, month)),
        dropped,
        strayRows,
        deadLetters: letters?.count ?? 0
      }
    }).pipe(asTenant(sql, "Retention.run", tenant))
  })

  return Retention.of({ run })
})
