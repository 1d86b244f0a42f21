/** A tenant's schema begins small: what is missing is made by whoever needs it first, and is empty for all who look. */
import { schemaName } from "@bulkhead/channels"
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Database, type DeadLetter, DeadLetters, LaneStore, ReplayStore, Retention } from "../src/index.ts"
import { batchOf, eventAt, LANE, messageAt, newTenant, rowsOf, slug, storage } from "./fixtures.ts"

const tablesIn = Effect.fnUntraced(function* (tenant: string) {
  const { sql } = yield* Database
  const rows = yield* sql<{ name: string }>`
    select relname as name from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    where nspname = ${schemaName(slug(tenant))} and relkind in ('r', 'p') order by 1`
  return rows.map(({ name }) => name.replace(/\d{4}_\d\d$/, "MONTH"))
})

const AT_FIRST = ["ocsf_events", "schema_migrations", "watermarks"]
const WITH_EVENTS = ["ocsf_events", "ocsf_events_MONTH", "ocsf_events_default", "schema_migrations", "watermarks"]

const letter = (sequence: number): DeadLetter => ({ ...messageAt(sequence), reason: "malformed_json", detail: "bad" })

/** A provisioned tenant with a lane that has written nothing. */
const opened = Effect.fnUntraced(function* (name: string, lane = LANE) {
  const tenant = yield* newTenant(name)
  yield* (yield* LaneStore).open(tenant.slug, lane)
  return tenant.slug
})

describe("a tenant's tables", () => {
  layer(storage, { excludeTestServices: true })((it) => {
    it.effect("of events have partitions from the first row on, as many writers as it may have", () =>
      Effect.gen(function* () {
        const store = yield* LaneStore
        const tenant = yield* opened("first-row")
        assert.deepStrictEqual(yield* tablesIn("first-row"), AT_FIRST)
        assert.deepStrictEqual(yield* rowsOf(tenant), [])
        const lanes = ["one", "two", "three"]
        const ids = yield* Effect.forEach(lanes, (lane) => Effect.map(store.open(tenant, lane), (open) => open.lane.id))
        yield* Effect.forEach(
          lanes,
          (lane, index) =>
            store.commit(batchOf("first-row", 0, 1, { lane, laneId: ids[index] ?? 0, events: [eventAt(index)] })),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(yield* tablesIn("first-row"), WITH_EVENTS)
        assert.lengthOf(yield* rowsOf(tenant), lanes.length)
      })
    )

    it.effect("take a first row of an odd time", () =>
      Effect.gen(function* () {
        const tenant = yield* opened("odd-first")
        const events = [eventAt(1, { time: new Date(0) })]
        const written = yield* (yield* LaneStore).commit(batchOf("odd-first", 0, 1, { events }))
        assert.deepStrictEqual(written, { rows: 1, deadLetters: [] })
        assert.lengthOf(yield* rowsOf(tenant), 1)
      })
    )

    it.effect("of dead letters come with the first one; before, there are none for anybody who asks", () =>
      Effect.gen(function* () {
        const letters = yield* DeadLetters
        const tenant = yield* opened("no-letters")
        const decode = () => ({ tables: [], deadLetters: [] })
        assert.deepStrictEqual(yield* letters.list(tenant, {}, { limit: 10 }), [])
        assert.isUndefined(yield* letters.get(tenant, 1))
        assert.deepStrictEqual(yield* letters.counts(tenant), {})
        assert.strictEqual(yield* letters.count(tenant, {}), 0)
        assert.strictEqual(yield* letters.purge(tenant, { filter: {} }), 0)
        assert.deepStrictEqual(yield* letters.retry(tenant, { ids: [7] }, decode), {
          outcomes: [{ id: 7, outcome: "gone" }],
          left: 0
        })
        assert.deepStrictEqual(yield* tablesIn("no-letters"), AT_FIRST)
        const store = yield* LaneStore
        const { lane } = yield* store.open(tenant, "other")
        const batch = (name: string, id: number) =>
          store.commit(batchOf("no-letters", 0, 1, { lane: name, laneId: id, events: [], deadLetters: [letter(1)] }))
        yield* Effect.all([batch(LANE, 1), batch(lane.name, lane.id)], { concurrency: 2 })
        assert.deepStrictEqual(yield* letters.counts(tenant), { malformed_json: 2 })
        assert.deepStrictEqual(yield* tablesIn("no-letters"), ["dead_letter_counts", "dead_letters", ...AT_FIRST])
      })
    )

    it.effect("of replays come with the first request; before, there are none for anybody who asks", () =>
      Effect.gen(function* () {
        const replays = yield* ReplayStore
        const tenant = yield* opened("no-replays")
        assert.deepStrictEqual(yield* replays.list(tenant), [])
        assert.isUndefined(yield* replays.get(tenant, 1))
        assert.isUndefined(yield* replays.unfinished(tenant))
        assert.isUndefined(yield* replays.cancel(tenant, 1))
        assert.deepStrictEqual(yield* tablesIn("no-replays"), AT_FIRST)
        yield* (yield* LaneStore).commit(batchOf("no-replays", 0, 2, { events: [] }))
        const replay = yield* replays.request(tenant, { lane: LANE, fromSequence: 1 })
        assert.strictEqual((yield* replays.unfinished(tenant))?.id, replay.id)
      })
    )

    it.effect("are replayed where nothing was ever written into them", () =>
      Effect.gen(function* () {
        const replays = yield* ReplayStore
        const tenant = yield* opened("empty-replay")
        yield* (yield* LaneStore).commit(batchOf("empty-replay", 0, 2, { events: [] }))
        let replay = yield* replays.request(tenant, { lane: LANE, fromSequence: 1 })
        replay = yield* replays.prepare(tenant, replay)
        while (replay.status === "copying") replay = (yield* replays.copyNext(tenant, replay, 1e12)).replay
        yield* replays.lanes.commit(batchOf("empty-replay", 0, 2))
        assert.isTrue(yield* replays.swap(tenant, replay, 0))
        assert.lengthOf(yield* rowsOf(tenant), 2)
        // The lane goes on in the tables that came.
        yield* (yield* LaneStore).commit(batchOf("empty-replay", 2, 3, { events: [eventAt(3, { time: new Date(0) })] }))
        assert.lengthOf(yield* rowsOf(tenant), 3)
      })
    )

    it.effect("are left as they are by retention while they are empty", () =>
      Effect.gen(function* () {
        const tenant = yield* opened("nothing-old")
        const report = yield* (yield* Retention).run(tenant, { days: 1 })
        assert.deepStrictEqual(report, { made: [], dropped: [], strayRows: 0, deadLetters: 0 })
        assert.deepStrictEqual(yield* tablesIn("nothing-old"), AT_FIRST)
      })
    )
  })
})
