import { startPostgresServer, waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { Database, LaneStore, Retention } from "../src/index.ts"
import { becomeTenant } from "../src/internal/tenantTransaction.ts"
import { asSuperuser, batchOf, eventAt, LANE, newTenant, rowsOf, slug, storageOn, uuid } from "./fixtures.ts"

const tenant = slug("acme")
const END = 3_000
const BATCH = 25

/** A writer as core runs it: on any failure it reads the watermark again and goes on from there. */
const writeAll = Effect.gen(function* () {
  const store = yield* LaneStore
  let at = (yield* store.open(tenant, LANE)).watermark
  while (at < END) {
    const to = Math.min(END, at + BATCH)
    yield* store.commit(batchOf(tenant, at, to))
    at = to
  }
})

const persistently = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.eventually(Effect.tapError(effect, () => Effect.sleep("20 millis")))

describe("LaneStore", () => {
  describe("PostgreSQL killed between and within commits", () => {
    it.live("loses and doubles nothing when the lane goes on from its watermark (4 kills)", () =>
      Effect.gen(function* () {
        const server = yield* startPostgresServer()
        yield* Effect.gen(function* () {
          const { sql } = yield* Database
          yield* newTenant("acme")
          const writer = yield* Effect.forkChild(persistently(writeAll), { startImmediately: true })
          const watermark = sql<{ seq: number }>`select max(seq)::int as seq from tenant_acme.watermarks`.pipe(
            (read) => Effect.andThen(becomeTenant(sql, tenant), read),
            sql.withTransaction,
            Effect.map(([row]) => row?.seq ?? 0)
          )
          for (const point of [200, 800, 1_400, 2_000]) {
            yield* waitUntil(
              `watermark ${point}`,
              Effect.map(watermark, (seq) => seq >= point)
            )
            yield* server.kill
            yield* server.start
          }
          yield* Fiber.join(writer)
          const expected = Array.from({ length: END }, (_, index) => uuid(index + 1))
          assert.deepStrictEqual(yield* rowsOf(tenant), expected)
        }).pipe(Effect.provide(storageOn(server, "killed")))
      })
    )

    it.live("fails with DatabaseUnavailable, retryable, while PostgreSQL is away, and works again after", () =>
      Effect.gen(function* () {
        const server = yield* startPostgresServer()
        yield* Effect.gen(function* () {
          const database = yield* Database
          const store = yield* LaneStore
          yield* newTenant("acme")
          yield* store.open(tenant, LANE)
          assert.isTrue(yield* database.isUp)
          yield* server.kill
          const error = yield* Effect.flip(store.commit(batchOf(tenant, 0, 10)))
          assert.strictEqual(error.reason._tag, "DatabaseUnavailable")
          assert.isTrue(error.isRetryable)
          assert.notInclude(error.message, "hidden-pass")
          assert.isFalse(yield* database.isUp)
          yield* server.start
          assert.isTrue(yield* database.isUp)
          yield* store.commit(batchOf(tenant, 0, 10))
        }).pipe(Effect.provide(storageOn(server, "away")))
      })
    )

    it.live("reports the broken connection, not a defect, when PostgreSQL dies within a transaction", () =>
      Effect.gen(function* () {
        const server = yield* startPostgresServer()
        yield* Effect.gen(function* () {
          const store = yield* LaneStore
          yield* newTenant("acme")
          yield* store.open(tenant, LANE)
          const lockHeld = yield* Deferred.make<void>()
          const lock = asSuperuser(server.url("within"), (admin) =>
            admin`lock table tenant_acme.watermarks in exclusive mode`.pipe(
              Effect.andThen(Deferred.succeed(lockHeld, undefined)),
              Effect.andThen(Effect.never),
              admin.withTransaction
            )
          )
          yield* Effect.forkChild(lock, { startImmediately: true })
          yield* Deferred.await(lockHeld)
          // The lock holds the commit inside its transaction until the server is gone.
          const commit = yield* Effect.forkChild(Effect.flip(store.commit(batchOf(tenant, 0, 5))), {
            startImmediately: true
          })
          yield* waitUntil(
            "the commit waits for the lock",
            asSuperuser(server.url("within"), (admin) =>
              Effect.map(admin`select 1 from pg_locks where not granted`, (rows) => rows.length > 0)
            )
          )
          yield* server.kill
          const error = yield* Fiber.join(commit)
          assert.strictEqual(error.reason._tag, "DatabaseUnavailable")
          yield* server.start
          yield* store.commit(batchOf(tenant, 0, 5))
          assert.lengthOf(yield* rowsOf(tenant), 5)
        }).pipe(Effect.provide(storageOn(server, "within")))
      })
    )
  })

  describe("partitions missing", () => {
    it.live(
      "makes those of the past year and next month when four writers need them at once; odd times stay apart",
      () =>
        Effect.gen(function* () {
          const server = yield* startPostgresServer()
          yield* Effect.gen(function* () {
            const { sql } = yield* Database
            const store = yield* LaneStore
            yield* newTenant("acme")
            const now = new Date()
            const month = (offset: number) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset, 10))
            const times = [month(-12), month(-5), month(-1), month(0), month(1)]
            const odd = [month(-13), month(2), new Date(0), new Date("9999-12-31T23:59:59Z")]
            yield* Effect.forEach(
              ["a", "b", "c", "d"],
              (lane) =>
                Effect.gen(function* () {
                  const { lane: opened } = yield* store.open(tenant, lane)
                  const events = [...times, ...odd].map((time, index) => eventAt(index, { time }))
                  yield* store.commit(batchOf(tenant, 0, events.length, { lane, laneId: opened.id, events }))
                }),
              { concurrency: "unbounded" }
            )
            const counts = yield* sql<{ partition: string; rows: number }>`
            select relname as partition, count(*)::int as rows
            from tenant_acme.ocsf_events event join pg_class on pg_class.oid = event.tableoid group by 1
          `.pipe((read) => Effect.andThen(becomeTenant(sql, tenant), read), sql.withTransaction)
            assert.lengthOf(counts, times.length + 1)
            const byName = new Map(counts.map(({ partition, rows }) => [partition, rows]))
            assert.strictEqual(byName.get("ocsf_events_default"), 4 * odd.length)
          }).pipe(Effect.provide(storageOn(server, "partitions")))
        })
    )

    it.live("moves rows from the default partition when their month gets its own, and drops what expired", () =>
      Effect.gen(function* () {
        const server = yield* startPostgresServer()
        yield* Effect.gen(function* () {
          const { sql } = yield* Database
          const store = yield* LaneStore
          const retention = yield* Retention
          yield* newTenant("acme")
          yield* store.open(tenant, LANE)
          const day = 86_400_000
          const ago = (days: number) => new Date(Date.now() - days * day)
          const times = [ago(0), ago(100), ago(350), ago(2_000)]
          const events = times.map((time, index) => eventAt(index + 1, { time }))
          yield* store.commit(batchOf(tenant, 0, 4, { events }))
          const asTenant = <A, E>(effect: Effect.Effect<A, E>) =>
            Effect.andThen(becomeTenant(sql, tenant), effect).pipe(sql.withTransaction)
          // As if this month's partition had never been made: its row is found in the default one.
          const thisMonth = `ocsf_events_${new Date().toISOString().slice(0, 7).replace("-", "_")}`
          yield* asTenant(
            Effect.gen(function* () {
              yield* sql.unsafe(`alter table tenant_acme.ocsf_events detach partition tenant_acme.${thisMonth}`)
              yield* sql.unsafe(`insert into tenant_acme.ocsf_events select * from tenant_acme.${thisMonth}`)
              yield* sql.unsafe(`drop table tenant_acme.${thisMonth}`)
            })
          )
          const report = yield* retention.run(tenant, { days: 200 })
          assert.lengthOf(report.made, 2)
          assert.include(report.made, thisMonth)
          assert.lengthOf(report.dropped, 1)
          assert.strictEqual(report.strayRows, 1)
          assert.deepStrictEqual(yield* rowsOf(tenant), [uuid(1), uuid(2)])
          const again = yield* retention.run(tenant, { days: 200 })
          assert.deepStrictEqual(again, { made: [], dropped: [], strayRows: 0, deadLetters: 0 })
          // The dropped month is remembered as made by this writer; its late row must still land somewhere.
          yield* store.commit(batchOf(tenant, 4, 5, { events: [eventAt(5, { time: ago(350) })] }))
          assert.lengthOf(yield* rowsOf(tenant), 3)
        }).pipe(Effect.provide(storageOn(server, "retention")))
      })
    )
  })
})
