/**
 * The writing end of a lane: rows, dead letters and the watermark in one transaction, as the tenant. The watermark is
 * the truth about what has been written; whoever moves it from where it read it owns the lane.
 */
import { schemaName, type TenantSlug } from "@bulkhead/channels"
import type { OcsfEventRow } from "@bulkhead/records"
import { PgTypes } from "@effect/sql-pg"
import { Clock, Context, Data, Effect, Layer } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { Database } from "./Database.ts"
import type { DeadLetter, StoredMessage } from "./DeadLetter.ts"
import { insertDeadLetters } from "./internal/insertDeadLetters.ts"
import { insertEvents } from "./internal/insertEvents.ts"
import { isInWindow, type MonthIndex, makePartitions, monthOf } from "./internal/partitions.ts"
import { failed, isRowRefused, refusalText } from "./internal/sqlFailure.ts"
import { asTenant } from "./internal/tenantTransaction.ts"
import { LaneLost, type StorageError } from "./StorageError.ts"

/** One batch of a lane, in stream order. */
export interface LaneBatch {
  readonly tenant: TenantSlug
  /** The lane's name; it names one incarnation of one stream. */
  readonly lane: string
  /** The watermark as this writer knows it: the sequence before the batch. */
  readonly from: number
  /** The last sequence of the batch. */
  readonly to: number
  readonly events: ReadonlyArray<OcsfEventRow>
  readonly deadLetters: ReadonlyArray<DeadLetter>
  /** The message behind `events[index]`; asked for only when PostgreSQL refuses that row. */
  readonly messageOf: (index: number) => StoredMessage
}

/** What a commit wrote. */
export interface LaneCommit {
  readonly rows: number
  /** The batch's own dead letters, then the rows that PostgreSQL refused. */
  readonly deadLetters: ReadonlyArray<DeadLetter>
}

/** Commits batches. */
export class LaneStore extends Context.Service<
  LaneStore,
  {
    /** The last sequence committed; 0 for a new lane, which this opens. Fails with `TenantNotProvisioned`. */
    readonly watermark: (tenant: TenantSlug, lane: string) => Effect.Effect<number, StorageError>
    /**
     * Writes a batch and moves the watermark from `from` to `to`, all or nothing.
     *
     * **Shape**: `to` is above `from`; a batch may hold no rows. Commits without waiting for the disk: after a crash
     * of the server, rows and watermark are both as old as the last flush, and the stream gives the rest again.
     *
     * **Fails**: `DatabaseUnavailable` (retryable, with the same batch: if the first try was committed after all, the
     * second one fails with `LaneLost` at `to`), `LaneLost`, `TenantNotProvisioned`, `StatementRefused`.
     */
    readonly commit: (batch: LaneBatch) => Effect.Effect<LaneCommit, StorageError>
  }
>()("@bulkhead/storage/LaneStore") {
  static readonly layer: Layer.Layer<LaneStore, never, Database> = Layer.effect(
    LaneStore,
    Effect.suspend(() => make)
  )
}

/** PostgreSQL refused a value of some row of the batch. */
class RowsRefused extends Data.TaggedError("RowsRefused") {}

const make = Effect.gen(function* () {
  const { sql } = yield* Database
  const monthsSeen = new Map<TenantSlug, Set<MonthIndex>>()

  const monthsSeenOf = (tenant: TenantSlug): Set<MonthIndex> => {
    const known = monthsSeen.get(tenant)
    if (known !== undefined) return known
    const none = new Set<MonthIndex>()
    monthsSeen.set(tenant, none)
    return none
  }

  /** Makes the partitions that the batch needs. What we remember may be old: then a row goes to the default one. */
  const preparePartitions = Effect.fnUntraced(function* (batch: LaneBatch) {
    const seen = monthsSeenOf(batch.tenant)
    const unseen = new Set<MonthIndex>()
    for (const event of batch.events) {
      const month = monthOf(event.time)
      if (!seen.has(month)) unseen.add(month)
    }
    if (unseen.size === 0) return
    const now = new Date(yield* Clock.currentTimeMillis)
    const wanted = [...unseen].filter((month) => isInWindow(month, now))
    if (wanted.length === 0) return
    yield* asTenant(sql, "LaneStore.commit", batch.tenant)(makePartitions(sql, schemaName(batch.tenant), wanted))
    for (const month of wanted) seen.add(month)
  })

  const moveWatermark = Effect.fnUntraced(function* (batch: LaneBatch, written: LaneCommit) {
    const table = sql`${sql(schemaName(batch.tenant))}.watermarks`
    const moved = yield* sql`
      update ${table} set seq = ${int8(batch.to)}, rows_written = rows_written + ${written.rows},
        dead_letters = dead_letters + ${written.deadLetters.length}, updated_at = now()
      where lane = ${batch.lane} and seq = ${int8(batch.from)} returning 1`
    if (moved.length === 1) return
    const [row] = yield* sql<{ seq: bigint }>`select seq from ${table} where lane = ${batch.lane}`
    return yield* failed(
      "LaneStore.commit",
      new LaneLost({
        tenant: batch.tenant,
        lane: batch.lane,
        expected: batch.from,
        ...(row === undefined ? {} : { observed: Number(row.seq) })
      })
    )
  })

  const finish = Effect.fnUntraced(function* (batch: LaneBatch, written: LaneCommit) {
    if (written.deadLetters.length > 0) {
      yield* insertDeadLetters(sql, schemaName(batch.tenant), batch.lane, written.deadLetters)
    }
    yield* moveWatermark(batch, written)
    return written
  })

  const inTransaction = (batch: LaneBatch) => asTenant(sql, "LaneStore.commit", batch.tenant, "replayable")

  const commitWhole = (batch: LaneBatch) =>
    Effect.gen(function* () {
      if (batch.events.length > 0) {
        yield* insertEvents(sql, schemaName(batch.tenant), batch.events).pipe(
          Effect.mapError((error) => (isRowRefused(error) ? new RowsRefused() : error))
        )
      }
      return yield* finish(batch, { rows: batch.events.length, deadLetters: batch.deadLetters })
    }).pipe(inTransaction(batch))

  /** Writes events[begin, end) and gives the refused ones, by halving what PostgreSQL refuses. */
  const insertAcceptable = (
    batch: LaneBatch,
    begin: number,
    end: number
  ): Effect.Effect<ReadonlyArray<DeadLetter>, SqlError> =>
    insertEvents(sql, schemaName(batch.tenant), batch.events.slice(begin, end)).pipe(
      // Inside the commit's transaction this is a savepoint.
      sql.withTransaction,
      Effect.as<ReadonlyArray<DeadLetter>>([]),
      Effect.catch((error) => {
        if (!isRowRefused(error)) return Effect.fail(error)
        if (end - begin === 1) {
          return Effect.succeed([
            { ...batch.messageOf(begin), reason: "refused_by_database" as const, detail: refusalText(error) }
          ])
        }
        const middle = begin + Math.floor((end - begin) / 2)
        return Effect.zipWith(
          insertAcceptable(batch, begin, middle),
          insertAcceptable(batch, middle, end),
          (left, right) => [...left, ...right]
        )
      })
    )

  const commitAcceptable = (batch: LaneBatch) =>
    Effect.gen(function* () {
      const refused = yield* insertAcceptable(batch, 0, batch.events.length)
      return yield* finish(batch, {
        rows: batch.events.length - refused.length,
        deadLetters: [...batch.deadLetters, ...refused]
      })
    }).pipe(inTransaction(batch))

  const commit = Effect.fn("LaneStore.commit")(function* (batch: LaneBatch) {
    if (batch.to <= batch.from) return yield* Effect.die(new Error(`lane batch from ${batch.from} to ${batch.to}`))
    yield* preparePartitions(batch)
    return yield* commitWhole(batch).pipe(Effect.catchTag("RowsRefused", () => commitAcceptable(batch)))
  })

  const watermark = Effect.fn("LaneStore.watermark")(function* (tenant: TenantSlug, lane: string) {
    const table = sql`${sql(schemaName(tenant))}.watermarks`
    return yield* Effect.gen(function* () {
      yield* sql`insert into ${table} (lane) values (${lane}) on conflict do nothing`
      const [row] = yield* sql<{ seq: bigint }>`select seq from ${table} where lane = ${lane}`
      return row === undefined
        ? yield* Effect.die(new Error(`lane "${lane}" vanished while it was opened`))
        : Number(row.seq)
    }).pipe(asTenant(sql, "LaneStore.watermark", tenant))
  })

  return LaneStore.of({ watermark, commit })
})

const int8 = (value: number) => PgTypes.int8(BigInt(value))
