/**
 * The storage side of replays. Rows that stay as they are are copied, the lane's messages are written again by a lane of
 * its own, all into a schema beside the tenant's; then one transaction puts the fresh tables in the place of the old
 * ones. Whatever is interrupted goes on from what is stored: how far the copy is, and the watermark of the fresh schema.
 */
import { schemaName, type TenantSlug } from "@bulkhead/channels"
import { PgTypes } from "@effect/sql-pg"
import { Clock, Context, Effect, Layer } from "effect"
import { Database } from "./Database.ts"
import { makeDeadLetterTables } from "./internal/deadLetterTables.ts"
import { whereTable } from "./internal/hasTable.ts"
import { inOneTrip } from "./internal/inOneTrip.ts"
import { migrate } from "./internal/migrate.ts"
import { quoted } from "./internal/quoted.ts"
import { lockForReplay } from "./internal/replayLock.ts"
import { replaySchemaName } from "./internal/replaySchemaName.ts"
import { makeReplaysTable, REPLAYS } from "./internal/replaysTable.ts"
import { copyWindow, lockTables, ordinaryTimes, prepareNamesakes, replaceTables } from "./internal/replayTables.ts"
import { asStorageError, failed } from "./internal/sqlFailure.ts"
import { OLDEST_VERSION, tenantMigrations } from "./internal/tenantMigrations.ts"
import { asTenant, becomeTenant } from "./internal/tenantTransaction.ts"
import { type LaneStore, makeLaneStore } from "./LaneStore.ts"
import type { Replay, ReplayProgress } from "./Replay.ts"
import { OutOfReach, ReplayLost, type StorageError } from "./StorageError.ts"
import type { LaneStats } from "./TenantStats.ts"
import { TenantStore } from "./TenantStore.ts"

/** Asks for replays, and does their part of the work. */
export class ReplayStore extends Context.Service<
  ReplayStore,
  {
    /**
     * Asks for a replay of a lane from a sequence on. Fails with `ReplayUnfinished` where another one is, and with
     * `OutOfReach` for a sequence that the lane has not written.
     */
    readonly request: (
      tenant: TenantSlug,
      wanted: Pick<Replay, "lane" | "fromSequence">
    ) => Effect.Effect<Replay, StorageError>
    /** The newest first, a hundred at most. */
    readonly list: (tenant: TenantSlug) => Effect.Effect<ReadonlyArray<Replay>, StorageError>
    readonly get: (tenant: TenantSlug, id: number) => Effect.Effect<Replay | undefined, StorageError>
    readonly progress: (tenant: TenantSlug, replay: Replay) => Effect.Effect<ReplayProgress, StorageError>
    /** The replay that is not finished. */
    readonly unfinished: (tenant: TenantSlug) => Effect.Effect<Replay | undefined, StorageError>
    /** Ends a replay, and removes what it has made. Gives it as it is then; one that was finished stays as it is. */
    readonly cancel: (tenant: TenantSlug, id: number) => Effect.Effect<Replay | undefined, StorageError>
    /** The same, for the reason in `error`. */
    readonly fail: (tenant: TenantSlug, id: number, error: string) => Effect.Effect<void, StorageError>

    /** Makes the fresh tables, or brings those of an interrupted replay to this version. Fails with `ReplayLost`. */
    readonly prepare: (tenant: TenantSlug, replay: Replay) => Effect.Effect<Replay, StorageError>
    /**
     * Copies the rows of the next `spanMs` of time, and gives how many, with the replay as it is then: `running` when
     * all are copied. Fails with `ReplayLost`.
     */
    readonly copyNext: (
      tenant: TenantSlug,
      replay: Replay,
      spanMs: number
    ) => Effect.Effect<{ readonly rows: number; readonly replay: Replay }, StorageError>
    /** Writes into the fresh tables. */
    readonly lanes: LaneStore["Service"]
    /** The figures of the lane that writes into the fresh tables. */
    readonly freshLane: (tenant: TenantSlug, replay: Replay) => Effect.Effect<LaneStats | undefined, StorageError>
    /**
     * Puts the fresh tables in the place of the old ones and the lane's watermark to theirs, in one transaction: who
     * writes the live lane meanwhile finds it lost, and goes on from there. False where they are more than `behindMax`
     * sequences behind. Fails with `ReplayLost`, and with `DatabaseUnavailable` where the tables are in use for long.
     */
    readonly swap: (tenant: TenantSlug, replay: Replay, behindMax: number) => Effect.Effect<boolean, StorageError>

    /** The tenants whose replays somebody should look at. */
    readonly calls: Effect.Effect<ReadonlyArray<TenantSlug>, StorageError>
    /** Takes back the call for a tenant, unless it has an unfinished replay. */
    readonly answer: (tenant: TenantSlug) => Effect.Effect<void, StorageError>
  }
>()("@bulkhead/storage/ReplayStore") {
  static readonly layer: Layer.Layer<ReplayStore, never, Database | TenantStore> = Layer.effect(
    ReplayStore,
    Effect.suspend(() => make)
  )
}

/** Nobody waits for the tables longer than this when the swap cannot have them; it is tried again. */
const SWAP_LOCK_TIMEOUT = "2s"
const REPLAYS_LISTED_MAX = 100

const int8 = (value: number) => PgTypes.int8(BigInt(value))

interface LaneRow {
  readonly id: number
  readonly seq: number
  readonly replayableAfter: number
}

const make = Effect.gen(function* () {
  const { sql } = yield* Database
  const tenants = yield* TenantStore
  const lanes = yield* makeLaneStore(replaySchemaName)

  const schemasOf = (tenant: TenantSlug) => ({ live: schemaName(tenant), fresh: replaySchemaName(tenant) })
  const replaysOf = (tenant: TenantSlug) => sql`${sql(schemaName(tenant))}.replays`
  const columns = sql.literal(
    `id::float8 as id, lane, from_seq::float8 as "fromSequence", status, requested_at as "requestedAt",
     started_at as "startedAt", finished_at as "finishedAt", copied_to as "copiedTo",
     rows_copied::float8 as "rowsCopied", error`
  )

  /** Of a statement about replays: none where none was ever asked for. */
  const whereAsked = (tenant: TenantSlug) => whereTable(sql, schemaName(tenant), REPLAYS)

  const lost = (operation: string, tenant: TenantSlug, { id }: Pick<Replay, "id">) =>
    failed(operation, new ReplayLost({ tenant, replay: id }))

  /** The one row that an update gave; the replay is lost where it gave none. */
  const moved = (operation: string, tenant: TenantSlug, replay: Replay, rows: ReadonlyArray<Replay>) =>
    Effect.suspend(() => {
      const [row] = rows
      return row === undefined ? lost(operation, tenant, replay) : Effect.succeed(row)
    })

  const laneIn = (schema: string, lane: string, lock = "for update") =>
    Effect.map(
      sql<LaneRow>`
        select id, seq::float8 as seq, replayable_after::float8 as "replayableAfter"
        from ${sql(schema)}.watermarks where lane = ${lane} ${sql.literal(lock)}`,
      ([row]) => row
    )

  const request = Effect.fn("ReplayStore.request")(function* (
    tenant: TenantSlug,
    { lane, fromSequence }: Pick<Replay, "lane" | "fromSequence">
  ) {
    const operation = "ReplayStore.request"
    return yield* Effect.gen(function* () {
      yield* lockForReplay(sql, operation, tenant)
      const row = yield* laneIn(schemaName(tenant), lane)
      const first = (row?.replayableAfter ?? 0) + 1
      const last = row?.seq ?? 0
      if (fromSequence < first || fromSequence > last) {
        return yield* failed(operation, new OutOfReach({ lane, sequence: fromSequence, first, last }))
      }
      yield* makeReplaysTable(sql, schemaName(tenant))
      const [replay] = yield* sql<Replay>`
        insert into ${replaysOf(tenant)} (lane, from_seq) values (${lane}, ${int8(fromSequence)}) returning ${columns}`
      // As the login role again, in the same transaction: a replay is never without a call.
      yield* sql`select set_config('role', 'none', true)`
      yield* sql`
        insert into bulkhead.replay_calls (tenant_id) select id from bulkhead.tenants where slug = ${tenant}
        on conflict (tenant_id) do update set called_at = now()`
      return replay === undefined ? yield* Effect.die(new Error("an insert gave no row")) : replay
    }).pipe(asTenant(sql, operation, tenant))
  })

  const list = Effect.fn("ReplayStore.list")(function* (tenant: TenantSlug) {
    return yield* sql<Replay>`
      select ${columns} from ${replaysOf(tenant)} order by replays.id desc limit ${REPLAYS_LISTED_MAX}`.pipe(
      whereAsked(tenant),
      asTenant(sql, "ReplayStore.list", tenant)
    )
  })

  const get = Effect.fn("ReplayStore.get")(function* (tenant: TenantSlug, id: number) {
    const [replay] = yield* sql<Replay>`
      select ${columns} from ${replaysOf(tenant)} where id = ${int8(id)}`.pipe(
      whereAsked(tenant),
      asTenant(sql, "ReplayStore.get", tenant)
    )
    return replay
  })

  const unfinished = Effect.fn("ReplayStore.unfinished")(function* (tenant: TenantSlug) {
    const [replay] = yield* sql<Replay>`
      select ${columns} from ${replaysOf(tenant)} where finished_at is null`.pipe(
      whereAsked(tenant),
      asTenant(sql, "ReplayStore.unfinished", tenant)
    )
    return replay
  })

  const freshLaneOf = Effect.fnUntraced(function* (tenant: TenantSlug, { lane }: Replay) {
    const { fresh } = schemasOf(tenant)
    const [present] = yield* sql`select 1 from pg_namespace where nspname = ${fresh}`
    if (present === undefined) return undefined
    const [stats] = yield* sql<LaneStats>`
      select lane, seq::float8 as watermark, rows_written::float8 as rows, dead_letters::float8 as "deadLetters",
        updated_at as "lastCommitAt"
      from ${sql(fresh)}.watermarks where lane = ${lane}`
    return stats
  })

  const freshLane = Effect.fn("ReplayStore.freshLane")(function* (tenant: TenantSlug, replay: Replay) {
    return yield* freshLaneOf(tenant, replay).pipe(asTenant(sql, "ReplayStore.freshLane", tenant))
  })

  const progress = Effect.fn("ReplayStore.progress")(function* (tenant: TenantSlug, replay: Replay) {
    return yield* Effect.gen(function* () {
      const [row] = yield* sql<ReplayProgress>`
        select replay.watermark::float8 as watermark, lane.seq::float8 as "laneWatermark",
          coalesce(replay.rows_written, 0)::float8 as rows, coalesce(replay.dead_letters, 0)::float8 as "deadLetters"
        from ${replaysOf(tenant)} replay
          left join ${sql(schemaName(tenant))}.watermarks lane on lane.lane = replay.lane
        where replay.id = ${int8(replay.id)}`
      const stored = row ?? { watermark: null, laneWatermark: null, rows: 0, deadLetters: 0 }
      const fresh = replay.finishedAt === null ? yield* freshLaneOf(tenant, replay) : undefined
      if (fresh === undefined) return stored
      const { watermark, rows, deadLetters } = fresh
      return { ...stored, watermark, rows, deadLetters }
    }).pipe(asTenant(sql, "ReplayStore.progress", tenant))
  })

  /** What says of a replay that nothing is copied yet. */
  const anew = sql.literal(", status = 'copying', copied_to = null, rows_copied = 0, lane_rows_copied = 0")

  const dropFresh = (tenant: TenantSlug) =>
    sql.unsafe(`drop schema if exists ${quoted(replaySchemaName(tenant))} cascade`).unprepared

  /** Ends a replay without a swap. */
  const end = (operation: string, tenant: TenantSlug, id: number, status: "cancelled" | "failed", error?: string) =>
    Effect.gen(function* () {
      const ended = yield* sql`
        update ${replaysOf(tenant)} set status = ${status}, finished_at = now(), error = ${error ?? null}
        where id = ${int8(id)} and finished_at is null returning 1`.pipe(whereAsked(tenant))
      if (ended.length > 0) yield* dropFresh(tenant)
    }).pipe(asTenant(sql, operation, tenant))

  const cancel = Effect.fn("ReplayStore.cancel")(function* (tenant: TenantSlug, id: number) {
    yield* end("ReplayStore.cancel", tenant, id, "cancelled")
    return yield* get(tenant, id)
  })

  const fail = Effect.fn("ReplayStore.fail")(function* (tenant: TenantSlug, id: number, error: string) {
    yield* end("ReplayStore.fail", tenant, id, "failed", error)
  })

  const prepare = Effect.fn("ReplayStore.prepare")(function* (tenant: TenantSlug, replay: Replay) {
    const { id: tenantId } = yield* tenants.get(tenant)
    const { live, fresh } = schemasOf(tenant)
    const operation = "ReplayStore.prepare"
    return yield* Effect.gen(function* () {
      // The replay comes first in every transaction that touches it, so that none waits for another in a ring.
      yield* becomeTenant(sql, tenant)
      const [present] = yield* sql`select 1 from pg_namespace where nspname = ${fresh}`
      const begun = yield* moved(
        operation,
        tenant,
        replay,
        yield* sql<Replay>`
          update ${replaysOf(tenant)} set started_at = coalesce(started_at, now())${present === undefined ? anew : sql``}
          where id = ${int8(replay.id)} and finished_at is null returning ${columns}`
      )
      yield* inOneTrip(sql, [
        "perform set_config('role', 'none', true)",
        `if not exists (select from pg_namespace where nspname = '${fresh}') then
           create schema ${quoted(fresh)} authorization ${quoted(live)};
         end if`,
        `perform set_config('role', '${live}', true)`
      ])
      yield* migrate(sql, fresh, tenantMigrations(fresh, tenantId), { oldest: OLDEST_VERSION })
      yield* prepareNamesakes(sql, { live, fresh })
      // The lane keeps its number: its rows say the same of where they came from.
      yield* sql`
        insert into ${sql(fresh)}.watermarks (id, lane, seq) overriding system value
        select id, lane, ${int8(begun.fromSequence - 1)} from ${sql(live)}.watermarks where lane = ${begun.lane}
        on conflict do nothing`
      return begun
    }).pipe(sql.withTransaction, asStorageError(operation))
  })

  const copyNext = Effect.fn("ReplayStore.copyNext")(function* (tenant: TenantSlug, replay: Replay, spanMs: number) {
    const operation = "ReplayStore.copyNext"
    const now = new Date(yield* Clock.currentTimeMillis)
    return yield* Effect.gen(function* () {
      // Of two that copy the same window the second waits here, and is told.
      const begun = yield* sql<Replay>`
        select ${columns} from ${replaysOf(tenant)} where id = ${int8(replay.id)} and status = 'copying' for update`
      const { copiedTo, lane, fromSequence } = yield* moved(operation, tenant, replay, begun)
      if (copiedTo?.getTime() !== replay.copiedTo?.getTime()) return yield* lost(operation, tenant, replay)
      const { first, end: last } = yield* ordinaryTimes(sql, schemaName(tenant), now)
      const until = copiedTo === null ? first : new Date(Math.min(copiedTo.getTime() + spanMs, last.getTime()))
      const isLast = copiedTo !== null && copiedTo >= last
      const window = { ...(copiedTo === null ? {} : { since: copiedTo }), ...(isLast ? {} : { until }) }
      const row = yield* sql<{ id: number }>`
        select id from ${sql(schemaName(tenant))}.watermarks where lane = ${lane}`
      const covered = { laneId: row[0]?.id ?? 0, fromSequence }
      const { rows, ofLane } = yield* copyWindow(sql, schemasOf(tenant), window, covered)
      const copied = yield* sql<Replay>`
        update ${replaysOf(tenant)} set copied_to = ${PgTypes.timestamptz(until)},
          status = ${isLast ? "running" : "copying"},
          rows_copied = rows_copied + ${int8(rows)}, lane_rows_copied = lane_rows_copied + ${int8(ofLane)}
        where id = ${int8(replay.id)} returning ${columns}`
      return { rows, replay: yield* moved(operation, tenant, replay, copied) }
    }).pipe(asTenant(sql, operation, tenant, "replayable"))
  })

  /** The lane's dead letters from the replay's first sequence on become those that the replay found. */
  const replaceDeadLetters = Effect.fnUntraced(function* (tenant: TenantSlug, { lane, fromSequence }: Replay) {
    const { live, fresh } = schemasOf(tenant)
    for (const schema of [live, fresh]) yield* makeDeadLetterTables(sql, schema)
    yield* sql`
      delete from ${sql(live)}.dead_letters where lane = ${lane} and sequence >= ${int8(fromSequence)}`
    const letter = sql.literal("lane, sequence, subject, headers, payload, reason, detail, received_at, created_at")
    yield* sql`
      insert into ${sql(live)}.dead_letters (${letter})
      select ${letter} from ${sql(fresh)}.dead_letters order by dead_letters.id`
  })

  const swap = Effect.fn("ReplayStore.swap")(function* (tenant: TenantSlug, replay: Replay, behindMax: number) {
    const operation = "ReplayStore.swap"
    const { live, fresh } = schemasOf(tenant)
    return yield* Effect.gen(function* () {
      yield* sql`select set_config('lock_timeout', ${SWAP_LOCK_TIMEOUT}, true)`
      const begun = yield* sql<Replay>`
        select ${columns} from ${replaysOf(tenant)} where id = ${int8(replay.id)} and status = 'running' for update`
      yield* moved(operation, tenant, replay, begun)
      // Tables first, as a commit in one statement has them. One in several statements has the watermark first: the swap
      // does not wait for that while it holds the tables, and is tried again.
      yield* lockTables(sql, live)
      const standing = yield* laneIn(live, replay.lane, "for update nowait")
      const reached = yield* laneIn(fresh, replay.lane)
      if (standing === undefined || reached === undefined) return yield* lost(operation, tenant, replay)
      if (standing.seq - reached.seq > behindMax) return false
      yield* replaceDeadLetters(tenant, replay)
      yield* sql`
        update ${replaysOf(tenant)} replay set status = 'done', finished_at = now(), watermark = lane.seq,
          rows_written = lane.rows_written, dead_letters = lane.dead_letters
        from ${sql(fresh)}.watermarks lane
        where replay.id = ${int8(replay.id)} and lane.lane = replay.lane`
      // The totals are those of what the tables hold now.
      yield* sql`
        update ${sql(live)}.watermarks lane set seq = replay.watermark, updated_at = now(),
          rows_written = replay.lane_rows_copied + replay.rows_written,
          dead_letters = (select count(*) from ${sql(live)}.dead_letters letter where letter.lane = lane.lane)
        from ${replaysOf(tenant)} replay
        where replay.id = ${int8(replay.id)} and lane.lane = replay.lane`
      yield* replaceTables(sql, { live, fresh }, { laneId: standing.id, fromSequence: replay.fromSequence })
      return true
    }).pipe(asTenant(sql, operation, tenant))
  })

  const calls = sql<{ slug: TenantSlug }>`
    select slug from bulkhead.replay_calls join bulkhead.tenants on tenants.id = tenant_id order by called_at`.pipe(
    Effect.map((rows) => rows.map(({ slug }) => slug)),
    asStorageError("ReplayStore.calls")
  )

  const answer = Effect.fn("ReplayStore.answer")(function* (tenant: TenantSlug) {
    yield* Effect.gen(function* () {
      // Whoever asks for a replay now waits until this is over, and calls again.
      yield* lockForReplay(sql, "ReplayStore.answer", tenant)
      yield* sql`select set_config('role', 'none', true)`
      yield* sql`
        delete from bulkhead.replay_calls using bulkhead.tenants where tenant_id = tenants.id and slug = ${tenant}`
    }).pipe(
      asTenant(sql, "ReplayStore.answer", tenant),
      Effect.catchReason("StorageError", "ReplayUnfinished", () => Effect.void)
    )
  })

  return ReplayStore.of({
    request,
    list,
    get,
    progress,
    unfinished,
    cancel,
    fail,
    prepare,
    copyNext,
    lanes,
    freshLane,
    swap,
    calls,
    answer
  })
})
