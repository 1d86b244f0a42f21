/**
 * A tenant's dead letters after they were written: to look at, to try again after a fix, to purge. How many there are
 * by reason is counted as they come and go, so that asking costs the same for ten and for ten million.
 */
import { schemaName, type TenantSlug } from "@bulkhead/channels"
import { PgTypes } from "@effect/sql-pg"
import { Clock, Context, Effect, Layer } from "effect"
import { Database } from "./Database.ts"
import type {
  DeadLetter,
  DeadLetterEntry,
  DeadLetterFilter,
  DeadLetterOutcome,
  DeadLetterReason,
  DeadLetterRun,
  DeadLetterSelection,
  KeptDeadLetter,
  StoredMessage
} from "./DeadLetter.ts"
import { matches } from "./internal/deadLetterFilter.ts"
import { DEAD_LETTERS } from "./internal/deadLetterTables.ts"
import { whereTable } from "./internal/hasTable.ts"
import { insertAcceptable } from "./internal/insertAcceptable.ts"
import { isInWindow, monthOf } from "./internal/partitions.ts"
import { pgArray } from "./internal/pgArray.ts"
import { prepareTable } from "./internal/recordTables.ts"
import { refuseDuringReplay } from "./internal/replayLock.ts"
import { storable } from "./internal/storable.ts"
import { asTenant } from "./internal/tenantTransaction.ts"
import type { LaneBatch, TableRows } from "./LaneBatch.ts"
import type { StorageError } from "./StorageError.ts"

/** Sorts messages of one lane, in order, into rows and what can still be none. */
export type MessageDecoder = (messages: ReadonlyArray<StoredMessage>) => Pick<LaneBatch, "tables" | "deadLetters">

/**
 * What is decoded in place of some letters, by id: worked out before the letters are locked, so that nobody waits for
 * it. The sequence stays the letter's own.
 */
export type LettersInstead = (
  letters: ReadonlyArray<KeptDeadLetter>
) => Effect.Effect<ReadonlyMap<number, StoredMessage>, StorageError>

/** Letters by reason; a reason without any is absent. */
export type DeadLetterCounts = Partial<Readonly<Record<DeadLetterReason, number>>>

/** Reads, retries and purges. */
export class DeadLetters extends Context.Service<
  DeadLetters,
  {
    /** The newest first; those before `beforeId`, which is where the last page ended. */
    readonly list: (
      tenant: TenantSlug,
      filter: DeadLetterFilter,
      page: { readonly beforeId?: number; readonly limit: number }
    ) => Effect.Effect<ReadonlyArray<DeadLetterEntry>, StorageError>
    /** One letter whole; undefined where there is none of this id. */
    readonly get: (tenant: TenantSlug, id: number) => Effect.Effect<KeptDeadLetter | undefined, StorageError>
    /**
     * Decodes letters again. What becomes rows is written with the lane and sequence of its message, and its letter
     * removed, in one transaction, so that it is written once also when two ask at once or the answer never comes.
     * The rest stays with what is wrong with it now. Fails with `ReplayUnfinished` while the lane is replayed.
     */
    readonly retry: (
      tenant: TenantSlug,
      selection: DeadLetterSelection,
      decode: MessageDecoder,
      instead?: LettersInstead
    ) => Effect.Effect<DeadLetterRun, StorageError>
    /** Removes letters for good and gives how many. A filter's `limit` and `afterId` do not restrict it. */
    readonly purge: (
      tenant: TenantSlug,
      which: { readonly ids: ReadonlyArray<number> } | { readonly filter: DeadLetterFilter }
    ) => Effect.Effect<number, StorageError>
    /** How many a filter finds. */
    readonly count: (tenant: TenantSlug, filter: DeadLetterFilter) => Effect.Effect<number, StorageError>
    /** How many there are, without looking at any. */
    readonly counts: (tenant: TenantSlug) => Effect.Effect<DeadLetterCounts, StorageError>
  }
>()("@bulkhead/storage/DeadLetters") {
  static readonly layer: Layer.Layer<DeadLetters, never, Database> = Layer.effect(
    DeadLetters,
    Effect.suspend(() => make)
  )
}

/** Bounds of one transaction: what is in memory, and how long a lane with a new dead letter may wait for it. */
const RETRY_LETTERS_MAX = 200
const RETRY_BYTES_MAX = 1024 * 1024
const PURGE_LETTERS_MAX = 5_000

interface LetterSize {
  readonly id: number
  readonly bytes: number
}

/** Cuts what is to be tried into transactions. */
const inChunks = (letters: ReadonlyArray<LetterSize>): ReadonlyArray<ReadonlyArray<number>> => {
  const chunks: Array<Array<number>> = []
  let bytes = Number.POSITIVE_INFINITY
  for (const letter of letters) {
    const last = chunks.at(-1)
    if (last === undefined || last.length >= RETRY_LETTERS_MAX || bytes + letter.bytes > RETRY_BYTES_MAX) {
      chunks.push([letter.id])
      bytes = letter.bytes
    } else {
      last.push(letter.id)
      bytes += letter.bytes
    }
  }
  return chunks
}

/** A letter under way, and the lane of its message. */
interface LockedLetter extends KeptDeadLetter {
  readonly laneId: number
}

/** What is still wrong with a letter. */
interface StillDead {
  readonly id: number
  readonly reason: DeadLetterReason
  readonly detail: string
}

const make = Effect.gen(function* () {
  const { sql } = yield* Database

  const ids = (values: ReadonlyArray<number>) => pgArray(values.map(BigInt), PgTypes.OID.int8)

  const entry = sql.literal(
    `id::float8 as id, lane, sequence::float8 as sequence, subject, reason, detail, attempts,
     octet_length(payload) as "payloadBytes", received_at as "receivedAt", attempted_at as "attemptedAt",
     created_at as "createdAt"`
  )
  const whole = sql.literal(
    `letter.id::float8 as id, letter.lane, sequence::float8 as sequence, subject, reason, detail, attempts, headers,
     payload, received_at as "receivedAt", attempted_at as "attemptedAt", created_at as "createdAt"`
  )

  const lettersOf = (tenant: TenantSlug) => sql`${sql(schemaName(tenant))}.dead_letters`

  /** Of a statement about letters: none where none was ever kept. */
  const whereKept = (tenant: TenantSlug) => whereTable(sql, schemaName(tenant), DEAD_LETTERS)

  const list = Effect.fn("DeadLetters.list")(function* (
    tenant: TenantSlug,
    filter: DeadLetterFilter,
    { beforeId, limit }: { readonly beforeId?: number; readonly limit: number }
  ) {
    const before = beforeId === undefined ? sql`true` : sql`id < ${PgTypes.int8(BigInt(beforeId))}`
    return yield* sql<DeadLetterEntry>`
      select ${entry} from ${lettersOf(tenant)} where ${before} and ${matches(sql, filter)}
      order by dead_letters.id desc limit ${limit}`.pipe(whereKept(tenant), asTenant(sql, "DeadLetters.list", tenant))
  })

  const get = Effect.fn("DeadLetters.get")(function* (tenant: TenantSlug, id: number) {
    const [letter] = yield* sql<KeptDeadLetter>`
      select ${whole} from ${lettersOf(tenant)} letter where id = ${PgTypes.int8(BigInt(id))}`.pipe(
      whereKept(tenant),
      asTenant(sql, "DeadLetters.get", tenant)
    )
    return letter
  })

  /** Letters that a selection finds, in order of id. */
  const find = (tenant: TenantSlug, selection: DeadLetterSelection) =>
    "ids" in selection
      ? sql<LetterSize>`
          select id::float8 as id, octet_length(payload) as bytes from ${lettersOf(tenant)}
          where id = any(${ids(selection.ids)}) order by dead_letters.id`
      : sql<LetterSize>`
          select id::float8 as id, octet_length(payload) as bytes from ${lettersOf(tenant)}
          where id > ${PgTypes.int8(BigInt(selection.afterId ?? 0))} and ${matches(sql, selection.filter)}
          order by dead_letters.id limit ${selection.limit}`

  /**
   * Comes before letters change: a lane that writes new ones waits here as a whole, so that the two never wait for
   * each other.
   */
  const lockCounts = (tenant: TenantSlug) =>
    sql`select 1 from ${sql(schemaName(tenant))}.dead_letter_counts order by reason for update`

  const prepare = Effect.fnUntraced(function* (schema: string, { table, rows }: TableRows) {
    const now = new Date(yield* Clock.currentTimeMillis)
    const months = new Set(rows.map((row) => monthOf(table.timeOf(row))).filter((month) => isInWindow(month, now)))
    yield* prepareTable(sql, schema, table, [...months])
  })

  /** Writes what letters of one lane have become, and gives those that became nothing. */
  const write = Effect.fnUntraced(function* (
    tenant: TenantSlug,
    letters: ReadonlyArray<LockedLetter>,
    decode: MessageDecoder,
    replaced: ReadonlyMap<number, StoredMessage>
  ) {
    const schema = schemaName(tenant)
    const ordered = [...letters].sort((a, b) => a.sequence - b.sequence)
    const { tables, deadLetters } = decode(ordered.map((letter) => replaced.get(letter.id) ?? letter))
    for (const written of tables) yield* prepare(schema, written)
    const refused = yield* insertAcceptable(sql, { schema, laneId: ordered[0]?.laneId ?? 0 }, tables)
    const wrong = new Map<number, Pick<DeadLetter, "reason" | "detail">>(
      deadLetters.map((letter) => [letter.sequence, letter])
    )
    for (const { sequence, detail } of refused) wrong.set(sequence, { reason: "refused_by_database", detail })
    const rows = new Map<number, number>()
    for (const sequence of tables.flatMap(({ sequences }) => sequences)) {
      rows.set(sequence, (rows.get(sequence) ?? 0) + 1)
    }
    return ordered.map(({ id, sequence }): DeadLetterOutcome => {
      const now = wrong.get(sequence)
      return now === undefined
        ? { id, outcome: "stored", rows: rows.get(sequence) ?? 0 }
        : { id, outcome: "kept", reason: now.reason, detail: now.detail }
    })
  })

  const keep = (tenant: TenantSlug, letters: ReadonlyArray<StillDead>) => sql`
    update ${lettersOf(tenant)} letter set reason = now.reason, detail = now.detail, attempts = attempts + 1,
      attempted_at = now()
    from unnest(
      ${ids(letters.map(({ id }) => id))},
      ${pgArray(
        letters.map(({ reason }) => reason),
        PgTypes.OID.text
      )},
      ${pgArray(
        letters.map(({ detail }) => storable(detail)),
        PgTypes.OID.text
      )}
    ) as now (id, reason, detail) where letter.id = now.id`

  const whatInstead = Effect.fnUntraced(function* (
    tenant: TenantSlug,
    chunk: ReadonlyArray<number>,
    instead: LettersInstead | undefined
  ) {
    if (instead === undefined) return new Map<number, StoredMessage>()
    const letters = yield* sql<KeptDeadLetter>`
      select ${whole} from ${lettersOf(tenant)} letter where id = any(${ids(chunk)})`.pipe(
      asTenant(sql, "DeadLetters.retry", tenant)
    )
    return yield* instead(letters)
  })

  const retryChunk = (
    tenant: TenantSlug,
    chunk: ReadonlyArray<number>,
    decode: MessageDecoder,
    replaced: ReadonlyMap<number, StoredMessage>
  ) =>
    Effect.gen(function* () {
      yield* refuseDuringReplay(sql, "DeadLetters.retry", tenant)
      // Whoever asks for the same letters at the same time waits here, and finds gone what this one has stored.
      const locked = yield* sql<LockedLetter>`
        select ${whole}, watermark.id as "laneId" from ${lettersOf(tenant)} letter
          join ${sql(schemaName(tenant))}.watermarks watermark on watermark.lane = letter.lane
        where letter.id = any(${ids(chunk)}) order by letter.id for update of letter`
      yield* lockCounts(tenant)
      const outcomes: Array<DeadLetterOutcome> = []
      for (const letters of Map.groupBy(locked, ({ lane }) => lane).values()) {
        outcomes.push(...(yield* write(tenant, letters, decode, replaced)))
      }
      const kept = outcomes.filter((one) => one.outcome === "kept")
      if (kept.length > 0) yield* keep(tenant, kept)
      const stored = outcomes.filter(({ outcome }) => outcome === "stored").map(({ id }) => id)
      yield* sql`delete from ${lettersOf(tenant)} where id = any(${ids(stored)})`
      return outcomes
    }).pipe(asTenant(sql, "DeadLetters.retry", tenant))

  const retry = Effect.fn("DeadLetters.retry")(function* (
    tenant: TenantSlug,
    selection: DeadLetterSelection,
    decode: MessageDecoder,
    instead?: LettersInstead
  ) {
    const found = yield* find(tenant, selection).pipe(whereKept(tenant), asTenant(sql, "DeadLetters.retry", tenant))
    const seen = new Map<number, DeadLetterOutcome>()
    for (const chunk of inChunks(found)) {
      const replaced = yield* whatInstead(tenant, chunk, instead)
      for (const outcome of yield* retryChunk(tenant, chunk, decode, replaced)) seen.set(outcome.id, outcome)
    }
    const wanted = "ids" in selection ? [...new Set(selection.ids)] : found.map(({ id }) => id)
    const outcomes = wanted.map((id) => seen.get(id) ?? { id, outcome: "gone" as const })
    const left = "ids" in selection ? 0 : yield* count(tenant, selection.filter, found.at(-1)?.id ?? selection.afterId)
    return { outcomes, left }
  })

  const purgeChunk = (tenant: TenantSlug, which: Parameters<DeadLetters["Service"]["purge"]>[1], lastId: number) =>
    Effect.gen(function* () {
      const found = "ids" in which ? sql`id = any(${ids(which.ids)})` : matches(sql, which.filter)
      const locked = yield* sql<{ id: number }>`
        select id::float8 as id from ${lettersOf(tenant)} where id <= ${PgTypes.int8(BigInt(lastId))} and ${found}
        order by dead_letters.id limit ${PURGE_LETTERS_MAX} for update`
      yield* lockCounts(tenant)
      yield* sql`delete from ${lettersOf(tenant)} where id = any(${ids(locked.map(({ id }) => id))})`
      return locked.length
    }).pipe(asTenant(sql, "DeadLetters.purge", tenant))

  const purge = Effect.fn("DeadLetters.purge")(function* (
    tenant: TenantSlug,
    which: Parameters<DeadLetters["Service"]["purge"]>[1]
  ) {
    // What comes while this runs was not meant.
    const [newest] = yield* sql<{ id: number }>`
      select coalesce(max(id), 0)::float8 as id from ${lettersOf(tenant)}`.pipe(
      whereKept(tenant),
      asTenant(sql, "DeadLetters.purge", tenant)
    )
    if (newest === undefined) return 0
    let purged = 0
    for (;;) {
      const now = yield* purgeChunk(tenant, which, newest.id)
      purged += now
      if (now < PURGE_LETTERS_MAX) return purged
    }
  })

  const count = Effect.fn("DeadLetters.count")(function* (tenant: TenantSlug, filter: DeadLetterFilter, afterId = 0) {
    const [found] = yield* sql<{ letters: number }>`
      select count(*)::float8 as letters from ${lettersOf(tenant)}
      where id > ${PgTypes.int8(BigInt(afterId))} and ${matches(sql, filter)}`.pipe(
      whereKept(tenant),
      asTenant(sql, "DeadLetters.count", tenant)
    )
    return found?.letters ?? 0
  })

  const counts = Effect.fn("DeadLetters.counts")(function* (tenant: TenantSlug) {
    const rows = yield* sql<{ reason: DeadLetterReason; letters: number }>`
      select reason, letters::float8 as letters from ${sql(schemaName(tenant))}.dead_letter_counts
      where letters > 0 order by reason`.pipe(whereKept(tenant), asTenant(sql, "DeadLetters.counts", tenant))
    return Object.fromEntries(rows.map(({ reason, letters }) => [reason, letters])) as DeadLetterCounts
  })

  return DeadLetters.of({
    list,
    get,
    retry,
    purge,
    count: (tenant, filter) => count(tenant, filter),
    counts
  })
})
