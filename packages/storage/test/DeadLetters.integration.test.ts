import { schemaName, type TenantSlug } from "@bulkhead/channels"
import { ocsfEvents } from "@bulkhead/records"
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import {
  Database,
  DEAD_LETTER_REASONS,
  type DeadLetter,
  DeadLetters,
  LaneStore,
  type MessageDecoder,
  Retention,
  type StoredMessage
} from "../src/index.ts"
import { becomeTenant } from "../src/internal/tenantTransaction.ts"
import { batchOf, eventAt, LANE, messageAt, newTenant, storage, tablesOf } from "./fixtures.ts"

const letter = (sequence: number, overrides: Partial<DeadLetter> = {}): DeadLetter => ({
  ...messageAt(sequence),
  reason: "malformed_json",
  detail: `letter ${sequence}`,
  ...overrides
})

/** A tenant with one dead letter for each sequence, in one lane. */
const tenantWith = Effect.fnUntraced(function* (name: string, letters: ReadonlyArray<DeadLetter>) {
  const store = yield* LaneStore
  const { slug } = yield* newTenant(name)
  yield* store.open(slug, LANE)
  const to = Math.max(...letters.map(({ sequence }) => sequence))
  yield* store.commit(batchOf(name, 0, to, { events: [], deadLetters: letters }))
  return slug
})

const lettersBetween = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => letter(from + index + 1))

/** Makes a row of every message, but for those whose sequence `isBad`. */
const decodeAll =
  (isBad: (sequence: number) => boolean = () => false, overrides: Parameters<typeof eventAt>[1] = {}): MessageDecoder =>
  (messages) => {
    const good = messages.filter(({ sequence }) => !isBad(sequence))
    const still = (message: StoredMessage) => ({ ...message, reason: "missing_field" as const, detail: "still bad" })
    return {
      tables: [
        {
          table: ocsfEvents,
          rows: good.map(({ sequence }) => eventAt(sequence, overrides)),
          sequences: good.map(({ sequence }) => sequence)
        }
      ],
      deadLetters: messages.filter(({ sequence }) => isBad(sequence)).map(still)
    }
  }

const asTenant = Effect.fnUntraced(function* <A extends object>(tenant: TenantSlug, statement: string) {
  const { sql } = yield* Database
  return yield* Effect.andThen(becomeTenant(sql, tenant), sql.unsafe<A>(statement)).pipe(sql.withTransaction)
})

const provenanceOf = (tenant: TenantSlug) =>
  asTenant<{ lane: number; sequence: number }>(
    tenant,
    `select lane_id as lane, stream_seq::float8 as sequence from ${schemaName(tenant)}.ocsf_events order by 1, 2`
  )

describe("DeadLetters", () => {
  layer(storage, { excludeTestServices: true })((it) => {
    describe("list and get", () => {
      it.effect("pages from the newest to the oldest, each letter once", () =>
        Effect.gen(function* () {
          const letters = yield* DeadLetters
          const tenant = yield* tenantWith("pages", lettersBetween(0, 25))
          const seen: Array<number> = []
          let beforeId: number | undefined
          for (;;) {
            const page = yield* letters.list(tenant, {}, { limit: 10, ...(beforeId === undefined ? {} : { beforeId }) })
            if (page.length === 0) break
            seen.push(...page.map(({ sequence }) => sequence))
            beforeId = page.at(-1)?.id
          }
          assert.deepStrictEqual(
            seen,
            Array.from({ length: 25 }, (_, index) => 25 - index)
          )
        })
      )

      it.effect("filters by reason, subject pattern, lane and time", () =>
        Effect.gen(function* () {
          const store = yield* LaneStore
          const letters = yield* DeadLetters
          const at = (hour: number) => new Date(Date.UTC(2026, 10, 1, hour))
          const tenant = yield* tenantWith("filters", [
            letter(1, { reason: "too_deep", receivedAt: at(1), subject: "filters.events.a.b" }),
            letter(2, { receivedAt: at(2), subject: "filters.events.a" }),
            letter(3, { receivedAt: at(3), subject: "filters.events.a+b" })
          ])
          yield* store.open(tenant, "another")
          yield* store.commit(
            batchOf("filters", 0, 1, { lane: "another", events: [], deadLetters: [letter(1, { receivedAt: at(4) })] })
          )
          const found = (filter: Parameters<typeof letters.list>[1]) =>
            Effect.map(letters.list(tenant, filter, { limit: 10 }), (page) => page.map(({ id }) => id))
          assert.deepStrictEqual(yield* found({}), [4, 3, 2, 1])
          assert.deepStrictEqual(yield* found({ reason: "too_deep" }), [1])
          assert.deepStrictEqual(yield* found({ subject: "filters.events.a" }), [2])
          assert.deepStrictEqual(yield* found({ subject: "filters.events.a+b" }), [3])
          assert.deepStrictEqual(yield* found({ subject: "*.events.>" }), [4, 3, 2, 1])
          assert.deepStrictEqual(yield* found({ subject: "filters.events.*" }), [3, 2])
          assert.deepStrictEqual(yield* found({ lane: "another" }), [4])
          assert.deepStrictEqual(yield* found({ since: at(2), until: at(4) }), [3, 2])
          assert.strictEqual(yield* letters.count(tenant, { since: at(2), until: at(4) }), 2)
          assert.deepStrictEqual(yield* found({ reason: "too_deep", lane: "another" }), [])
        })
      )

      it.effect("gives one whole, byte for byte, and nothing for an id that is not there", () =>
        Effect.gen(function* () {
          const letters = yield* DeadLetters
          const payload = Uint8Array.from([0, 255, 128, 10])
          const tenant = yield* tenantWith("whole", [letter(1, { payload, headers: { a: "b" } })])
          const found = yield* letters.get(tenant, 1)
          assert.deepStrictEqual(found?.payload, payload)
          assert.deepInclude(found, { sequence: 1, headers: { a: "b" }, attempts: 0, attemptedAt: null, lane: LANE })
          assert.isUndefined(yield* letters.get(tenant, 2))
        })
      )
    })

    describe("retry", () => {
      it.effect("stores what decodes now with the lane and sequence of its message, and keeps the rest", () =>
        Effect.gen(function* () {
          const letters = yield* DeadLetters
          const tenant = yield* tenantWith("retry", lettersBetween(0, 10))
          const run = yield* letters.retry(
            tenant,
            { filter: {}, limit: 6 },
            decodeAll((sequence) => sequence === 4)
          )
          assert.deepStrictEqual(
            run.outcomes.map(({ outcome }) => outcome),
            ["stored", "stored", "stored", "kept", "stored", "stored"]
          )
          assert.strictEqual(run.left, 4)
          assert.deepStrictEqual(
            yield* provenanceOf(tenant),
            [1, 2, 3, 5, 6].map((sequence) => ({ lane: 1, sequence }))
          )
          const kept = yield* letters.get(tenant, 4)
          assert.deepInclude(kept, { reason: "missing_field", detail: "still bad", attempts: 1 })
          assert.instanceOf(kept?.attemptedAt, Date)
          const rest = yield* letters.retry(tenant, { filter: {}, afterId: 6, limit: 100 }, decodeAll())
          assert.deepInclude(rest, { left: 0 })
          assert.lengthOf(rest.outcomes, 4)
        })
      )

      it.effect("stores letters of two lanes with the same sequences each under its own", () =>
        Effect.gen(function* () {
          const store = yield* LaneStore
          const letters = yield* DeadLetters
          const tenant = yield* tenantWith("lanes", lettersBetween(0, 2))
          yield* store.open(tenant, "another")
          yield* store.commit(
            batchOf("lanes", 0, 2, { lane: "another", events: [], deadLetters: lettersBetween(0, 2) })
          )
          yield* letters.retry(tenant, { filter: {}, limit: 10 }, decodeAll())
          assert.deepStrictEqual(yield* provenanceOf(tenant), [
            { lane: 1, sequence: 1 },
            { lane: 1, sequence: 2 },
            { lane: 2, sequence: 1 },
            { lane: 2, sequence: 2 }
          ])
        })
      )

      it.effect("stores each letter once when ten ask for the same ones at once", () =>
        Effect.gen(function* () {
          const letters = yield* DeadLetters
          const tenant = yield* tenantWith("ten", lettersBetween(0, 50))
          const ids = Array.from({ length: 50 }, (_, index) => index + 1)
          const runs = yield* Effect.forEach(
            Array.from({ length: 10 }),
            () => letters.retry(tenant, { ids }, decodeAll()),
            { concurrency: "unbounded" }
          )
          const stored = runs.flatMap(({ outcomes }) => outcomes.filter(({ outcome }) => outcome === "stored"))
          assert.lengthOf(stored, 50)
          assert.lengthOf(yield* provenanceOf(tenant), 50)
          const again = yield* letters.retry(tenant, { ids: [1, 1, 99] }, decodeAll())
          assert.deepStrictEqual(again.outcomes, [
            { id: 1, outcome: "gone" },
            { id: 99, outcome: "gone" }
          ])
        })
      )

      it.effect("keeps what PostgreSQL refuses, and stores the others of the same request", () =>
        Effect.gen(function* () {
          const letters = yield* DeadLetters
          const tenant = yield* tenantWith("refused", lettersBetween(0, 5))
          const decode: MessageDecoder = (messages) => ({
            tables: [
              {
                table: ocsfEvents,
                rows: messages.map(({ sequence }) => eventAt(sequence, sequence === 3 ? { metadata: "{" } : {})),
                sequences: messages.map(({ sequence }) => sequence)
              }
            ],
            deadLetters: []
          })
          const { outcomes } = yield* letters.retry(tenant, { filter: {}, limit: 10 }, decode)
          const [kept] = outcomes.filter(({ outcome }) => outcome === "kept")
          assert.deepInclude(kept, { id: 3, reason: "refused_by_database" })
          assert.lengthOf(yield* provenanceOf(tenant), 4)
        })
      )

      it.effect("changes nothing when it fails half-way", () =>
        Effect.gen(function* () {
          const letters = yield* DeadLetters
          const tenant = yield* tenantWith("half", lettersBetween(0, 5))
          const before = yield* tablesOf(tenant).deadLetters
          const failing = letters.retry(tenant, { filter: {}, limit: 10 }, (messages) => ({
            ...decodeAll()(messages),
            tables: [
              ...decodeAll()(messages).tables,
              {
                table: { ...ocsfEvents, columns: [["nowhere", "uuid"]] },
                rows: [{ nowhere: null, time: new Date(0) }],
                sequences: [1]
              }
            ]
          }))
          assert.strictEqual((yield* Effect.flip(failing))._tag, "StorageError")
          assert.deepStrictEqual(yield* tablesOf(tenant).deadLetters, before)
          assert.deepStrictEqual(yield* provenanceOf(tenant), [])
        })
      )

      it.effect("makes the month that a row needs", () =>
        Effect.gen(function* () {
          const letters = yield* DeadLetters
          const tenant = yield* tenantWith("month", [letter(1)])
          const now = new Date()
          const time = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 3, 10))
          yield* letters.retry(tenant, { ids: [1] }, decodeAll(undefined, { time }))
          const [row] = yield* asTenant<{ partition: string }>(
            tenant,
            "select tableoid::regclass::text as partition from tenant_month.ocsf_events"
          )
          assert.include(row?.partition, time.toISOString().slice(0, 7).replace("-", "_"))
        })
      )
    })

    describe("purge", () => {
      it.effect("removes the named ones, or all that a filter finds, and says how many", () =>
        Effect.gen(function* () {
          const letters = yield* DeadLetters
          const tenant = yield* tenantWith("purge", [
            ...lettersBetween(0, 5),
            letter(6, { reason: "too_deep" }),
            letter(7, { reason: "too_deep" })
          ])
          assert.strictEqual(yield* letters.purge(tenant, { ids: [1, 99] }), 1)
          assert.strictEqual(yield* letters.purge(tenant, { filter: { reason: "too_deep" } }), 2)
          assert.strictEqual(yield* letters.purge(tenant, { filter: {} }), 4)
          assert.strictEqual(yield* letters.purge(tenant, { filter: {} }), 0)
        })
      )

      it.effect("goes through more than fit in one transaction (12,000)", () =>
        Effect.gen(function* () {
          const letters = yield* DeadLetters
          const tenant = yield* tenantWith("many", [letter(1)])
          yield* asTenant(
            tenant,
            `insert into tenant_many.dead_letters (lane, sequence, subject, headers, payload, reason, detail, received_at)
             select lane, n, subject, headers, payload, reason, detail, received_at
             from tenant_many.dead_letters, generate_series(2, 12000) n`
          )
          assert.deepStrictEqual(yield* letters.counts(tenant), { malformed_json: 12_000 })
          assert.strictEqual(yield* letters.purge(tenant, { filter: {} }), 12_000)
          assert.deepStrictEqual(yield* letters.counts(tenant), {})
        })
      )
    })

    describe("counts", () => {
      it.effect("follow every way in which letters come, change and go", () =>
        Effect.gen(function* () {
          const letters = yield* DeadLetters
          const old = new Date(Date.now() - 90 * 86_400_000)
          const tenant = yield* tenantWith("counts", [
            ...lettersBetween(0, 5),
            letter(6, { reason: "too_deep" }),
            letter(7, { reason: "too_deep", receivedAt: old })
          ])
          assert.deepStrictEqual(yield* letters.counts(tenant), { malformed_json: 5, too_deep: 2 })
          yield* (yield* Retention).run(tenant, { days: 30 })
          assert.deepStrictEqual(yield* letters.counts(tenant), { malformed_json: 5, too_deep: 1 })
          yield* letters.retry(
            tenant,
            { ids: [1, 2] },
            decodeAll((sequence) => sequence === 2)
          )
          assert.deepStrictEqual(yield* letters.counts(tenant), { malformed_json: 3, missing_field: 1, too_deep: 1 })
          yield* letters.purge(tenant, { ids: [6] })
          assert.deepStrictEqual(yield* letters.counts(tenant), { malformed_json: 3, missing_field: 1 })
        })
      )
    })

    describe("reasons", () => {
      it.effect("are the same closed list in the code and in the database", () =>
        Effect.gen(function* () {
          const tenant = yield* tenantWith("closed", [letter(1)])
          const [constraint] = yield* asTenant<{ definition: string }>(
            tenant,
            "select pg_get_constraintdef(oid) as definition from pg_constraint where conname = 'dead_letters_reason_known'"
          )
          const listed = [...(constraint?.definition ?? "").matchAll(/'([a-z_0-9]+)'/g)].map(([, name]) => name)
          assert.deepStrictEqual(listed.sort(), [...DEAD_LETTER_REASONS].sort())
          const other = asTenant(tenant, "update tenant_closed.dead_letters set reason = 'bad luck'")
          assert.match(String((yield* Effect.flip(other)).reason.cause), /dead_letters_reason_known/)
        })
      )
    })
  })
})
