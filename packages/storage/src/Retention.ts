/**
 * Keeps each tenant's tables within its time: partitions for the coming month are made, whole months are dropped when
 * their last day has expired.
 */
import { schemaName, type TenantSlug } from "@bulkhead/channels"
import { ocsfEvents } from "@bulkhead/records"
import { Clock, Context, Effect, Layer } from "effect"
import { Database } from "./Database.ts"
import { endOf, listMonths, makePartitions, monthOf, partitionName } from "./internal/partitions.ts"
import { asTenant } from "./internal/tenantTransaction.ts"
import type { StorageError } from "./StorageError.ts"

/** How long to keep what. */
export interface RetentionOptions {
  /** Events whose time is older than so many days may go; a month goes when all of it is older. */
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

  const run = Effect.fn("Retention.run")(function* (tenant: TenantSlug, options: RetentionOptions) {
    const schema = schemaName(tenant)
    const table = ocsfEvents.name
    const now = new Date(yield* Clock.currentTimeMillis)
    const expiry = new Date(now.getTime() - options.days * DAY_MS)
    return yield* Effect.gen(function* () {
      const month = monthOf(now)
      const made = yield* makePartitions(sql, schema, table, [month, month + 1])
      const expired = (yield* listMonths(sql, schema, table)).filter((present) => endOf(present) <= expiry)
      for (const old of expired) yield* sql`drop table ${sql(schema)}.${sql(partitionName(table, old))}`.unprepared
      const [counts] = yield* sql<{ strayRows: number; deadLetters: number }>`
        with strays as (delete from ${sql(schema)}.${sql(`${table}_default`)} where time < ${expiry} returning 1),
          letters as (delete from ${sql(schema)}.dead_letters where received_at < ${expiry} returning 1)
        select (select count(*)::int from strays) as "strayRows", (select count(*)::int from letters) as "deadLetters"`
      return {
        made: made.map((month) => partitionName(table, month)),
        dropped: expired.map((month) => partitionName(table, month)),
        strayRows: counts?.strayRows ?? 0,
        deadLetters: counts?.deadLetters ?? 0
      }
    }).pipe(asTenant(sql, "Retention.run", tenant))
  })

  return Retention.of({ run })
})
