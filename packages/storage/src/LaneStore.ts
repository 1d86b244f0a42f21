/**
 * The writing end of a lane: rows, dead letters and the watermark in one transaction, as the tenant. The watermark is
 * the truth about what has been written; whoever moves it from where it read it owns the lane.
 */
import { schemaName, type TenantSlug } from "@bulkhead/channels"
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Context, Data, Effect, Hash, Layer, Semaphore } from "effect"
import { isSqlError } from "effect/sql/SqlError"
import { Database, type LaneConnection } from "./Database.ts"
import type { DeadLetter } from "./DeadLetter.ts"
import { commitInOneStatement } from "./internal/commitInOneStatement.ts"
import { insertAcceptable, insertTables } from "./internal/insertAcceptable.ts"
import { insertDeadLetters } from "./internal/insertDeadLetters.ts"
import { isInWindow, type MonthIndex, monthOf } from "./internal/partitions.ts"
import { prepareTable } from "./internal/recordTables.ts"
import { failed, isRowRefused, sqlStateOf } from "./internal/sqlFailure.ts"
import { countRows, STATEMENT_ROWS_MAX } from "./internal/tableRows.ts"
import { asTenant, asTenantError } from "./internal/tenantTransaction.ts"
import type { LaneBatch, LaneCommit, OpenLane, TableRows } from "./LaneBatch.ts"
import { LaneLost, type StorageError } from "./StorageError.ts"

/** Commits batches. */
export class LaneStore extends Context.Service<
  LaneStore,
  {
    /**
     * The lane and the last sequence it committed. A new one begins `after` a sequence, 0 when absent: what came before
     * belongs to another lane. Fails with `TenantNotProvisioned`.
     */
    readonly open: (
      tenant: TenantSlug,
      lane: string,
      after?: number
    ) => Effect.Effect<{ readonly lane: OpenLane; readonly watermark: number }, StorageError>
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
    /**
     * The same on a connection that no other lane uses meanwhile: for a tenant whose commits may hang, so that those
     * that share its connection do not wait behind them.
     */
    readonly commitApart: (batch: LaneBatch) => Effect.Effect<LaneCommit, StorageError>
    /**
     * Whether a commit of the tenant waited too long for a lock a moment ago: then it is better made apart, and without
     * a turn on the connection that others wait for.
     */
    readonly isHeldUp: (tenant: TenantSlug) => boolean
    /** How many connections there are to commit on; each takes one commit at a time. */
    readonly connections: number
    /** Which of them, from 0, is a tenant's. */
    readonly connectionOf: (tenant: TenantSlug) => number
  }
>()("@bulkhead/storage/LaneStore") {
  static readonly layer: Layer.Layer<LaneStore, never, Database> = Layer.effect(
    LaneStore,
    Effect.suspend(() => makeLaneStore(schemaName))
  )
}

/** So long after a commit that waited too long for a lock, the tenant's commits are made apart. */
const HELD_UP_MS = 60_000
/** So many are made apart at once: the API needs connections too. */
const APART_MAX = 4
const LOCK_NOT_AVAILABLE = "55P03"

/** Failures after which nothing is believed of the tenant's tables any more. */
const FORGETTING: ReadonlySet<string> = new Set(["TenantNotProvisioned", "StatementRefused"])

/** PostgreSQL refused a value of some row of the batch. */
class RowsRefused extends Data.TaggedError("RowsRefused") {}

/** Writes into the schema that `schemaOf` names: the tenant's own, or the one that its replay fills. */
export const makeLaneStore = Effect.fnUntraced(function* (schemaOf: (tenant: TenantSlug) => string) {
  const { sql, lanes } = yield* Database
  /** By tenant, the tables that there are and the months that have a partition, as far as this process has seen. */
  const tablesSeen = new Map<TenantSlug, Map<string, Set<MonthIndex>>>()

  const heldUpUntilMs = new Map<TenantSlug, number>()
  const apart = yield* Semaphore.make(APART_MAX)

  const isHeldUp = (tenant: TenantSlug): boolean => {
    const until = heldUpUntilMs.get(tenant)
    if (until === undefined) return false
    if (performance.now() < until) return true
    heldUpUntilMs.delete(tenant)
    return false
  }

  const noteHeldUp = (tenant: TenantSlug) => (error: unknown) =>
    Effect.sync(() => {
      if (!isSqlError(error) || sqlStateOf(error) !== LOCK_NOT_AVAILABLE) return
      heldUpUntilMs.set(tenant, performance.now() + HELD_UP_MS)
    })

  const tablesSeenOf = (tenant: TenantSlug): Map<string, Set<MonthIndex>> => {
    const known = tablesSeen.get(tenant)
    if (known !== undefined) return known
    const none = new Map<string, Set<MonthIndex>>()
    tablesSeen.set(tenant, none)
    return none
  }

  /**
   * Makes the table and the partitions that the rows need. What we remember may be old: without its partition a row goes
   * to the default one, and without the table the commit fails and forgets what was remembered.
   */
  const prepare = Effect.fnUntraced(function* (tenant: TenantSlug, { table, rows }: TableRows) {
    if (rows.length === 0) return
    const tables = tablesSeenOf(tenant)
    const seen = tables.get(table.name)
    const unseen = new Set<MonthIndex>()
    for (const row of rows) {
      const month = monthOf(table.timeOf(row))
      if (seen?.has(month) !== true) unseen.add(month)
    }
    if (seen !== undefined && unseen.size === 0) return
    const now = new Date(yield* Clock.currentTimeMillis)
    const wanted = [...unseen].filter((month) => isInWindow(month, now))
    if (seen !== undefined && wanted.length === 0) return
    yield* asTenant(sql, "LaneStore.commit", tenant)(prepareTable(sql, schemaOf(tenant), table, wanted))
    tables.set(table.name, new Set([...(seen ?? []), ...wanted]))
  })

  const forgetMissing = (tenant: TenantSlug) => (error: StorageError) =>
    Effect.sync(() => {
      // The latter also where a table has no partition, because somebody dropped the schema and it was made again.
      if (FORGETTING.has(error.reason._tag)) tablesSeen.delete(tenant)
    })

  const watermarksOf = (tenant: TenantSlug) => sql`${sql(schemaOf(tenant))}.watermarks`

  const lost = Effect.fnUntraced(function* ({ tenant, lane, from }: LaneBatch) {
    const [row] = yield* sql<{ seq: bigint }>`select seq from ${watermarksOf(tenant)} where lane = ${lane.name}`
    const observed = row === undefined ? {} : { observed: Number(row.seq) }
    return yield* failed("LaneStore.commit", new LaneLost({ tenant, lane: lane.name, expected: from, ...observed }))
  })

  /** Comes before all the rest of a commit: of two writers the second waits here, and is told before it has written. */
  const moveWatermark = Effect.fnUntraced(function* (batch: LaneBatch) {
    const moved = yield* sql`
      update ${watermarksOf(batch.tenant)} set seq = ${int8(batch.to)}, updated_at = now()
      where lane = ${batch.lane.name} and seq = ${int8(batch.from)} returning 1`
    if (moved.length !== 1) return yield* lost(batch)
  })

  const finish = Effect.fnUntraced(function* ({ tenant, lane }: LaneBatch, written: LaneCommit) {
    if (written.deadLetters.length > 0) {
      yield* insertDeadLetters(sql, schemaOf(tenant), lane.name, written.deadLetters)
    }
    yield* sql`
      update ${watermarksOf(tenant)} set rows_written = rows_written + ${written.rows},
        dead_letters = dead_letters + ${written.deadLetters.length}
      where lane = ${lane.name}`
    return written
  })

  const inTransaction = (batch: LaneBatch) => asTenant(sql, "LaneStore.commit", batch.tenant, "replayable")

  const targetOf = ({ tenant, lane }: LaneBatch) => ({ schema: schemaOf(tenant), laneId: lane.id })

  /** A tenant always has the same connection: what a server process learns of a schema is dear to learn and to keep. */
  const connectionOf = (tenant: TenantSlug): number => Math.abs(Hash.string(tenant)) % lanes.length

  const onItsConnection = <A, E>(tenant: TenantSlug, use: (connection: PgClient.PgClient) => Effect.Effect<A, E>) =>
    Effect.suspend(() => {
      const connection: LaneConnection | undefined = lanes[connectionOf(tenant)]
      if (connection === undefined) return Effect.die(new Error("there is no connection of lanes"))
      return connection.turn.withPermit(use(connection.sql))
    })

  const commitWhole = Effect.fnUntraced(function* (batch: LaneBatch) {
    const rows = countRows(batch.tables)
    const isCommitted = yield* onItsConnection(batch.tenant, (connection) =>
      commitInOneStatement(connection, schemaOf(batch.tenant), batch, rows)
    ).pipe(
      Effect.tapError(noteHeldUp(batch.tenant)),
      Effect.mapError((error) => (isRowRefused(error) ? new RowsRefused() : error)),
      asTenantError("LaneStore.commit", batch.tenant)
    )
    if (!isCommitted) return yield* lost(batch).pipe(inTransaction(batch))
    return { rows, deadLetters: [] }
  })

  /** In several statements. */
  const commitStepwise = (batch: LaneBatch) =>
    Effect.gen(function* () {
      yield* moveWatermark(batch)
      yield* insertTables(sql, targetOf(batch), batch.tables).pipe(
        Effect.mapError((error) => (isRowRefused(error) ? new RowsRefused() : error))
      )
      return yield* finish(batch, { rows: countRows(batch.tables), deadLetters: batch.deadLetters })
    }).pipe(Effect.tapError(noteHeldUp(batch.tenant)), inTransaction(batch))

  const commitAcceptable = (batch: LaneBatch) =>
    Effect.gen(function* () {
      yield* moveWatermark(batch)
      const refused = (yield* insertAcceptable(sql, targetOf(batch), batch.tables)).map(
        ({ sequence, detail }): DeadLetter => ({
          ...batch.messageAt(sequence),
          reason: "refused_by_database",
          detail
        })
      )
      const refusedAt = new Set(refused.map(({ sequence }) => sequence))
      const accepted = batch.tables.flatMap((table) => table.sequences.filter((sequence) => !refusedAt.has(sequence)))
      return yield* finish(batch, { rows: accepted.length, deadLetters: [...batch.deadLetters, ...refused] })
    }).pipe(inTransaction(batch))

  const commitBy = Effect.fnUntraced(function* (batch: LaneBatch, whole: ReturnType<typeof commitStepwise>) {
    if (batch.to <= batch.from) return yield* Effect.die(new Error(`lane batch from ${batch.from} to ${batch.to}`))
    return yield* Effect.gen(function* () {
      for (const written of batch.tables) yield* prepare(batch.tenant, written)
      return yield* whole.pipe(Effect.catchTag("RowsRefused", () => commitAcceptable(batch)))
    }).pipe(Effect.tapError(forgetMissing(batch.tenant)))
  })

  const isOneStatement = ({ tables, deadLetters }: LaneBatch): boolean =>
    deadLetters.length === 0 && countRows(tables) <= STATEMENT_ROWS_MAX

  const commit = Effect.fn("LaneStore.commit")((batch: LaneBatch) =>
    commitBy(batch, isOneStatement(batch) ? commitWhole(batch) : commitStepwise(batch))
  )

  const commitApart = Effect.fn("LaneStore.commitApart")((batch: LaneBatch) =>
    apart.withPermit(commitBy(batch, commitStepwise(batch)))
  )

  const open = Effect.fn("LaneStore.open")(function* (tenant: TenantSlug, name: string, after = 0) {
    const table = watermarksOf(tenant)
    return yield* Effect.gen(function* () {
      yield* sql`
        insert into ${table} (lane, seq, replayable_after) values (${name}, ${int8(after)}, ${int8(after)})
        on conflict do nothing`
      const [row] = yield* sql<{ id: number; seq: bigint }>`select id, seq from ${table} where lane = ${name}`
      return row === undefined
        ? yield* Effect.die(new Error(`lane "${name}" vanished while it was opened`))
        : { lane: { name, id: row.id }, watermark: Number(row.seq) }
    }).pipe(asTenant(sql, "LaneStore.open", tenant))
  })

  return LaneStore.of({ open, commit, commitApart, isHeldUp, connections: lanes.length, connectionOf })
})

const int8 = (value: number) => PgTypes.int8(BigInt(value))
