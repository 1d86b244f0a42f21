import type { TenantSlug } from "@bulkhead/channels"
import { assert, describe, layer } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import {
  Database,
  type DeadLetter,
  DeadLetters,
  LaneStore,
  type Replay,
  ReplayStore,
  Retention,
  type StorageError,
  TenantSchemas
} from "../src/index.ts"
import { becomeTenant } from "../src/internal/tenantTransaction.ts"
import { batchOf, eventAt, LANE, messageAt, newTenant, storage } from "./fixtures.ts"

const HOUR_MS = 3_600_000

const letter = (sequence: number, detail = "old"): DeadLetter => ({
  ...messageAt(sequence),
  reason: "malformed_json",
  detail
})

const eventsOf = (from: number, to: number, message: string) =>
  Array.from({ length: to - from }, (_, index) => eventAt(from + index + 1, { message }))

const asTenant = Effect.fnUntraced(function* <A extends object>(tenant: TenantSlug, statement: string) {
  const { sql } = yield* Database
  return yield* Effect.andThen(becomeTenant(sql, tenant), sql.unsafe<A>(statement)).pipe(sql.withTransaction)
})

const schemaOf = (tenant: TenantSlug) => `tenant_${tenant.replaceAll("-", "_")}`

/** How many rows say what, by the sequence they came from. */
const messagesOf = (tenant: TenantSlug) =>
  Effect.map(
    asTenant<{ sequence: number | null; message: string }>(
      tenant,
      `select stream_seq::float8 as sequence, message from ${schemaOf(tenant)}.ocsf_events order by 1 nulls first, 2`
    ),
    (rows) => rows.map(({ sequence, message }) => `${sequence ?? "-"} ${message}`)
  )

const expected = (from: number, to: number, message: string) =>
  Array.from({ length: to - from }, (_, index) => `${from + index + 1} ${message}`)

/** A tenant whose lane has written 20 messages, of which the 20th is a dead letter. */
const written = Effect.fnUntraced(function* (name: string) {
  const store = yield* LaneStore
  const { slug } = yield* newTenant(name)
  yield* store.open(slug, LANE)
  yield* store.commit(batchOf(name, 0, 20, { events: eventsOf(0, 19, "old"), deadLetters: [letter(20)] }))
  return slug
})

/** The replay of that lane from a sequence on, with everything copied. */
const copied = Effect.fnUntraced(function* (tenant: TenantSlug, fromSequence = 11) {
  const store = yield* ReplayStore
  let replay: Replay = yield* store.request(tenant, { lane: LANE, fromSequence })
  replay = yield* store.prepare(tenant, replay)
  while (replay.status === "copying") replay = (yield* store.copyNext(tenant, replay, 24 * HOUR_MS)).replay
  return replay
})

const reasonOf = <A, R>(work: Effect.Effect<A, StorageError, R>) =>
  Effect.map(Effect.flip(work), ({ reason }) => reason._tag)

const freshSchemas = Effect.gen(function* () {
  const { sql } = yield* Database
  return yield* sql`select nspname from pg_namespace where nspname like 'replay\\_%'`
})

describe("ReplayStore", () => {
  layer(storage, { excludeTestServices: true })((it) => {
    describe("request", () => {
      it.effect("takes one at a time, however many ask at once, and calls for somebody to do it", () =>
        Effect.gen(function* () {
          const store = yield* ReplayStore
          const tenant = yield* written("once")
          const results = yield* Effect.forEach(
            Array.from({ length: 10 }),
            () => Effect.result(store.request(tenant, { lane: LANE, fromSequence: 5 })),
            { concurrency: "unbounded" }
          )
          const refused = results.filter((one) => one._tag === "Failure")
          assert.lengthOf(refused, 9)
          for (const { failure } of refused) assert.match(failure.message, /Replay \d+ of tenant "once".*cancel/)
          assert.include(yield* store.calls, tenant)
          yield* store.answer(tenant)
          assert.include(yield* store.calls, tenant)
          const [replay] = yield* store.list(tenant)
          yield* store.cancel(tenant, replay?.id ?? 0)
          yield* store.answer(tenant)
          assert.notInclude(yield* store.calls, tenant)
        })
      )

      it.effect("names what the lane has written, where it is asked for anything else", () =>
        Effect.gen(function* () {
          const store = yield* ReplayStore
          const lanes = yield* LaneStore
          const tenant = yield* written("reach")
          yield* lanes.open(tenant, `${LANE}#2`, 15)
          const message = (lane: string, fromSequence: number) =>
            Effect.map(Effect.flip(store.request(tenant, { lane, fromSequence })), (error) => error.message)
          assert.match(yield* message(LANE, 21), /from sequence 21: .*from 1 to 20/)
          // Messages up to 15 are the first lane's, and their rows say so.
          assert.match(yield* message(`${LANE}#2`, 15), /nothing that it has written since sequence 16 can be/)
          assert.match(yield* message("no lane", 1), /nothing/)
          yield* lanes.commit(batchOf(tenant, 15, 30, { lane: `${LANE}#2`, laneId: 2, events: [] }))
          assert.match(yield* message(`${LANE}#2`, 15), /from 16 to 30/)
        })
      )
    })

    describe("copyNext", () => {
      it.effect("copies each row that stays once, in any number of windows, and of any time", () =>
        Effect.gen(function* () {
          const store = yield* ReplayStore
          const lanes = yield* LaneStore
          const tenant = yield* written("copy")
          const now = Date.now()
          const times = [0, 40, 100, 400, 3_000, -10].map((days) => new Date(now - days * 24 * HOUR_MS))
          const events = times.map((time, index) => eventAt(index + 1, { time, message: "other lane" }))
          yield* lanes.open(tenant, "other")
          yield* lanes.commit(batchOf(tenant, 0, events.length, { lane: "other", laneId: 2, events }))
          yield* asTenant(
            tenant,
            "update tenant_copy.ocsf_events set lane_id = null, stream_seq = null where stream_seq = 1"
          )
          const before = yield* messagesOf(tenant)
          let replay = yield* store.request(tenant, { lane: LANE, fromSequence: 11 })
          replay = yield* store.prepare(tenant, replay)
          let windows = 0
          for (; replay.status === "copying"; windows += 1) {
            // Whoever copies the same window is told that it is done.
            const [first, second] = yield* Effect.all(
              [store.copyNext(tenant, replay, 24 * HOUR_MS), store.copyNext(tenant, replay, 24 * HOUR_MS)].map(
                Effect.result
              ),
              { concurrency: 2 }
            )
            const winner = first?._tag === "Success" ? first : second
            const loser = first?._tag === "Success" ? second : first
            assert.strictEqual(loser?._tag === "Failure" ? loser.failure.reason._tag : "none", "ReplayLost")
            if (winner?._tag === "Success") replay = winner.success.replay
          }
          assert.isAbove(windows, 30)
          assert.isTrue(yield* store.swap(tenant, replay, 100))
          const after = yield* messagesOf(tenant)
          assert.deepStrictEqual(
            after,
            before.filter((row) => !expected(10, 19, "old").includes(row))
          )
          assert.strictEqual((yield* store.get(tenant, replay.id))?.rowsCopied, after.length)
        })
      )
    })

    describe("swap", () => {
      it.effect("puts fresh rows, dead letters and watermark in place, and the live writer finds its lane lost", () =>
        Effect.gen(function* () {
          const store = yield* ReplayStore
          const lanes = yield* LaneStore
          const tenant = yield* written("swap")
          const replay = yield* copied(tenant)
          const { lane, watermark } = yield* store.lanes.open(tenant, LANE)
          assert.deepStrictEqual({ lane, watermark }, { lane: { name: LANE, id: 1 }, watermark: 10 })
          yield* store.lanes.commit(
            batchOf(tenant, 10, 18, { events: eventsOf(10, 17, "new"), deadLetters: [letter(18, "new")] })
          )
          // The live lane is ahead by what it has written meanwhile.
          yield* lanes.commit(batchOf(tenant, 20, 25, { events: eventsOf(20, 25, "old") }))
          assert.isFalse(yield* store.swap(tenant, replay, 6))
          assert.isTrue(yield* store.swap(tenant, replay, 7))
          assert.strictEqual(yield* reasonOf(store.swap(tenant, replay, 7)), "ReplayLost")
          assert.strictEqual(yield* reasonOf(lanes.commit(batchOf(tenant, 25, 30))), "LaneLost")
          assert.strictEqual((yield* lanes.open(tenant, LANE)).watermark, 18)
          yield* lanes.commit(batchOf(tenant, 18, 30, { events: eventsOf(18, 30, "live") }))
          assert.deepStrictEqual(yield* messagesOf(tenant), [
            ...expected(0, 10, "old"),
            ...expected(10, 17, "new"),
            ...expected(18, 30, "live")
          ])
          const letters = yield* (yield* DeadLetters).list(tenant, {}, { limit: 10 })
          assert.deepStrictEqual(
            letters.map(({ sequence, detail }) => [sequence, detail]),
            [[18, "new"]]
          )
          assert.deepStrictEqual(yield* (yield* DeadLetters).counts(tenant), { malformed_json: 1 })
          const figures = yield* store.progress(tenant, (yield* store.get(tenant, replay.id)) ?? replay)
          assert.deepInclude(figures, { watermark: 18, laneWatermark: 30, rows: 7, deadLetters: 1 })
          assert.deepStrictEqual(yield* freshSchemas, [])
          // The tables that came are like those that went, to the names of their indexes.
          const provisioned = yield* (yield* TenantSchemas).provision(tenant)
          assert.strictEqual(provisioned.before, provisioned.after)
          yield* (yield* Retention).run(tenant, { days: 30 })
          const indexes = yield* asTenant<{ name: string }>(
            tenant,
            "select indexname as name from pg_indexes where schemaname = 'tenant_swap' and tablename = 'ocsf_events' order by 1"
          )
          assert.deepStrictEqual(
            indexes.map(({ name }) => name),
            ["ocsf_events_grave", "ocsf_events_time"]
          )
        })
      )

      it.effect("shows a reader the old rows or the new ones, never both", () =>
        Effect.gen(function* () {
          const store = yield* ReplayStore
          const tenant = yield* written("readers")
          const replay = yield* copied(tenant, 1)
          yield* store.lanes.commit(batchOf(tenant, 0, 20, { events: eventsOf(0, 20, "new") }))
          const reading = yield* Deferred.make<void>()
          const seen = new Set<string>()
          const look = Effect.gen(function* () {
            const [counts] = yield* asTenant<{ old: number; new: number }>(
              tenant,
              `select count(*) filter (where message = 'old')::int as old,
                 count(*) filter (where message = 'new')::int as new from tenant_readers.ocsf_events`
            )
            seen.add(`${counts?.old} old ${counts?.new} new`)
            yield* Deferred.succeed(reading, undefined)
          })
          const readers = yield* Effect.forEach(Array.from({ length: 3 }), () => Effect.forkChild(Effect.forever(look)))
          yield* Deferred.await(reading)
          assert.isTrue(yield* store.swap(tenant, replay, 100))
          yield* look
          yield* Fiber.interruptAll(readers)
          assert.deepStrictEqual([...seen].sort(), ["0 old 20 new", "19 old 0 new"])
        })
      )

      it.effect("is refused where something was built on the tables, and leaves them as they were", () =>
        Effect.gen(function* () {
          const store = yield* ReplayStore
          const tenant = yield* written("view")
          yield* asTenant(tenant, "create view tenant_view.grave as select * from tenant_view.ocsf_events")
          const replay = yield* copied(tenant)
          const before = yield* messagesOf(tenant)
          const error = yield* Effect.flip(store.swap(tenant, replay, 100))
          assert.match(error.message, /2BP01.*depend on/)
          assert.deepStrictEqual(yield* messagesOf(tenant), before)
          yield* store.fail(tenant, replay.id, error.message)
          assert.deepInclude(yield* store.get(tenant, replay.id), { status: "failed", error: error.message })
          assert.deepStrictEqual(yield* freshSchemas, [])
        })
      )
    })

    describe("cancel", () => {
      it.effect("leaves the tables as they were, and the work that was under way finds the replay gone", () =>
        Effect.gen(function* () {
          const store = yield* ReplayStore
          const tenant = yield* written("cancel")
          const before = yield* messagesOf(tenant)
          const requested = yield* store.request(tenant, { lane: LANE, fromSequence: 3 })
          assert.deepInclude(yield* store.cancel(tenant, requested.id), { status: "cancelled" })
          assert.strictEqual(yield* reasonOf(store.prepare(tenant, requested)), "ReplayLost")
          const running = yield* copied(tenant)
          yield* store.cancel(tenant, running.id)
          assert.strictEqual(yield* reasonOf(store.copyNext(tenant, running, HOUR_MS)), "ReplayLost")
          assert.strictEqual(yield* reasonOf(store.lanes.commit(batchOf(tenant, 10, 12))), "TenantNotProvisioned")
          assert.strictEqual(yield* reasonOf(store.swap(tenant, running, 100)), "ReplayLost")
          assert.deepInclude(yield* store.cancel(tenant, running.id), { status: "cancelled" })
          assert.isUndefined(yield* store.cancel(tenant, 99))
          assert.deepStrictEqual(yield* messagesOf(tenant), before)
          assert.deepStrictEqual(yield* freshSchemas, [])
        })
      )
    })

    describe("an unfinished replay", () => {
      it.effect("goes on with what is there, and begins anew where the fresh tables are not", () =>
        Effect.gen(function* () {
          const store = yield* ReplayStore
          const tenant = yield* written("again")
          const running = yield* copied(tenant)
          yield* store.lanes.commit(batchOf(tenant, 10, 15, { events: eventsOf(10, 15, "new") }))
          assert.deepInclude(yield* store.prepare(tenant, running), { status: "running", rowsCopied: 10 })
          assert.strictEqual((yield* store.lanes.open(tenant, LANE)).watermark, 15)
          yield* asTenant(tenant, "drop schema replay_again cascade")
          assert.deepInclude(yield* store.prepare(tenant, running), {
            status: "copying",
            rowsCopied: 0,
            copiedTo: null
          })
          assert.strictEqual((yield* store.lanes.open(tenant, LANE)).watermark, 10)
          yield* store.cancel(tenant, running.id)
        })
      )

      it.effect("keeps dead letters from being tried again, which would change what it has copied", () =>
        Effect.gen(function* () {
          const store = yield* ReplayStore
          const letters = yield* DeadLetters
          const tenant = yield* written("letters")
          const { id } = yield* store.request(tenant, { lane: LANE, fromSequence: 3 })
          const retry = letters.retry(tenant, { filter: {}, limit: 10 }, () => ({ tables: [], deadLetters: [] }))
          assert.match((yield* Effect.flip(retry)).message, /Replay 1 of tenant "letters" is not finished/)
          yield* store.cancel(tenant, id)
          assert.lengthOf((yield* retry).outcomes, 1)
        })
      )

      it.effect("is erased with its tenant", () =>
        Effect.gen(function* () {
          const schemas = yield* TenantSchemas
          const store = yield* ReplayStore
          const tenant = yield* written("erased")
          yield* copied(tenant)
          yield* schemas.erase(tenant)
          assert.deepStrictEqual(yield* schemas.remains(tenant), { schema: false, role: false })
          assert.deepStrictEqual(yield* freshSchemas, [])
          assert.strictEqual(yield* reasonOf(store.list(tenant)), "TenantNotProvisioned")
        })
      )
    })
  })
})
