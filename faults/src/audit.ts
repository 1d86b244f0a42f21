/**
 * Compares what was published with what is stored. It trusts nothing that core says: it reads the tenants' tables, row
 * by row, and the ledgers of the publishers.
 *
 * Order: each row names the sequence that its stream gave to its message, which must be the one that the publisher was
 * told; and lanes commit one transaction after the other (`created_at` says when a row's began), so a row must come later
 * in the stream than all rows of earlier transactions.
 */
import { schemaName, type TenantSlug } from "@bulkhead/channels"
import { PgClient } from "@effect/sql-pg"
import { Effect, Stream } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { type Ledger, parseEventId } from "./Ledger.ts"

/** Everything is counted over all tenants. */
export interface Findings {
  /** Messages that a stream acknowledged, poison among them. */
  readonly published: number
  /** Rows and dead letters of acknowledged messages, a doubled one twice. */
  readonly stored: number
  /** Rows and dead letters beyond the first of their message. */
  readonly duplicated: number
  /** Acknowledged messages that are neither row nor dead letter. */
  readonly lost: number
  /** Rows that were written after one that follows them in the stream, or name another sequence. */
  readonly disordered: number
  /** Rows in a schema or table where they do not belong: another tenant's, never published, or poison. */
  readonly misplaced: number
  /** Poison that was acknowledged. */
  readonly poison: number
  /** Dead letters that are no poison, or not with its reason and payload. */
  readonly wrongDeadLetters: number
}

/** Whether nothing is wrong. */
export const isClean = (found: Findings): boolean =>
  found.duplicated + found.lost + found.disordered + found.misplaced + found.wrongDeadLetters === 0

interface StoredRow {
  readonly id: string
  /** Of this tenant, by the column that the table fills itself. */
  readonly isOwn: boolean
  /** When its transaction began, microseconds. */
  readonly transaction: number
  /** Where in the stream its message stands, as the row says. */
  readonly streamSequence: number | null
}

interface StoredDeadLetter {
  readonly sequence: number
  readonly subject: string
  readonly reason: string
  readonly payload: Uint8Array
}

/** What is found in one tenant's schema, added up while it is read. */
class TenantAudit {
  duplicated = 0
  disordered = 0
  misplaced = 0
  wrongDeadLetters = 0
  readonly #ledger: Ledger
  /** How often each message was found. */
  readonly #found: Array<number>
  #transaction = Number.NEGATIVE_INFINITY
  #newestBefore = 0
  #newestHere = 0

  constructor(ledger: Ledger) {
    this.#ledger = ledger
    this.#found = ledger.sequences.map(() => 0)
  }

  /** Rows in the order in which they were written. */
  row(row: StoredRow): void {
    const event = parseEventId(row.id)
    const { sequences, poison, tenant } = this.#ledger
    const sequence = event?.tenant === tenant ? sequences[event.number] : undefined
    if (event === undefined || sequence === undefined || !row.isOwn || poison.has(event.number)) {
      this.misplaced += 1
      return
    }
    // A second row of an event is one mistake, not two. One without acknowledgement has no place in the order.
    if (this.#count(event.number) > 1 || sequence === 0) return
    if (!this.#isInOrder(row, sequence)) this.disordered += 1
  }

  deadLetter(letter: StoredDeadLetter, numberOf: ReadonlyMap<number, number>): void {
    const number = numberOf.get(letter.sequence)
    const expected = number === undefined ? undefined : this.#ledger.poison.get(number)
    if (number === undefined || expected === undefined) {
      this.wrongDeadLetters += 1
      return
    }
    const isRight = letter.reason === expected.reason && Buffer.compare(letter.payload, expected.payload) === 0
    if (!isRight || !letter.subject.startsWith(`${this.#ledger.slug}.`)) this.wrongDeadLetters += 1
    this.#count(number)
  }

  get findings(): Findings {
    const { sequences, poison } = this.#ledger
    const acknowledged = [...sequences.keys()].filter((number) => (sequences[number] ?? 0) > 0)
    return {
      published: acknowledged.length,
      stored: acknowledged.reduce((sum, number) => sum + (this.#found[number] ?? 0), 0),
      duplicated: this.duplicated,
      lost: acknowledged.filter((number) => this.#found[number] === 0).length,
      disordered: this.disordered,
      misplaced: this.misplaced,
      poison: acknowledged.filter((number) => poison.has(number)).length,
      wrongDeadLetters: this.wrongDeadLetters
    }
  }

  #count(number: number): number {
    const times = (this.#found[number] ?? 0) + 1
    this.#found[number] = times
    if (times > 1) this.duplicated += 1
    return times
  }

  #isInOrder({ transaction, streamSequence }: StoredRow, sequence: number): boolean {
    if (transaction !== this.#transaction) {
      this.#transaction = transaction
      this.#newestBefore = this.#newestHere
    }
    this.#newestHere = Math.max(this.#newestHere, sequence)
    return streamSequence === sequence && sequence > this.#newestBefore
  }
}

/** The tables that hold a tenant's events: the partitions, and those that an operator took out of their parent. */
const eventTables = (sql: PgClient.PgClient, schema: string) =>
  sql<{ name: string }>`
    select relname as name from pg_class
    where relnamespace = ${schema}::regnamespace and relkind = 'r' and relname like '%ocsf_events%'`

/** Core's own events about a tenant, among that tenant's, whose slug is $2. */
const OF_CORE = `log_provider is not distinct from 'bulkhead' and unmapped->>'tenant_slug' is not distinct from $2`

const readRows = Effect.fnUntraced(function* (sql: PgClient.PgClient, slug: TenantSlug, audit: TenantAudit) {
  const schema = schemaName(slug)
  const tables = yield* eventTables(sql, schema)
  const parts = tables.map(
    ({ name }) => `select id, tenant_id, created_at, stream_seq from only "${schema}"."${name}" where not (${OF_CORE})`
  )
  const [tenant] = yield* sql<{ id: string }>`
    select id from bulkhead.tenants where slug = ${slug}`
  const rows = sql.unsafe<StoredRow>(
    `select id::text as id, tenant_id = $1::uuid as "isOwn", extract(epoch from created_at)::float8 * 1e6 as transaction,
       stream_seq::float8 as "streamSequence"
     from (${parts.join(" union all ")}) as stored order by created_at`,
    [tenant?.id ?? null, slug]
  )
  yield* rows.stream.pipe(
    Stream.runForEachArray((some) =>
      Effect.sync(() => {
        for (const row of some) audit.row(row)
      })
    )
  )
})

const readDeadLetters = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  slug: TenantSlug,
  ledger: Ledger,
  audit: TenantAudit
) {
  const numberOf = new Map([...ledger.poison.keys()].map((number) => [ledger.sequences[number] ?? 0, number]))
  const table = `"${schemaName(slug)}".dead_letters`
  // Made with the first letter.
  const [kept] = yield* sql`select 1 where to_regclass(${table}) is not null`
  if (kept === undefined) return
  const letters = yield* sql.unsafe<StoredDeadLetter>(
    `select sequence::float8 as sequence, subject, reason, payload from ${table} order by id`
  )
  for (const letter of letters) audit.deadLetter(letter, numberOf)
})

/** Reads everything the tenants of these ledgers have stored. */
export const audit = Effect.fn("audit")(function* (
  ledgers: ReadonlyArray<Ledger>
): Effect.fn.Return<Findings, SqlError, PgClient.PgClient> {
  const sql = yield* PgClient.PgClient
  const all: Array<Findings> = []
  for (const ledger of ledgers) {
    const slug = ledger.slug as TenantSlug
    const tenant = new TenantAudit(ledger)
    yield* readRows(sql, slug, tenant)
    yield* readDeadLetters(sql, slug, ledger, tenant)
    all.push(tenant.findings)
  }
  return all.reduce(sum)
})

const sum = (one: Findings, other: Findings): Findings => ({
  published: one.published + other.published,
  stored: one.stored + other.stored,
  duplicated: one.duplicated + other.duplicated,
  lost: one.lost + other.lost,
  disordered: one.disordered + other.disordered,
  misplaced: one.misplaced + other.misplaced,
  poison: one.poison + other.poison,
  wrongDeadLetters: one.wrongDeadLetters + other.wrongDeadLetters
})
