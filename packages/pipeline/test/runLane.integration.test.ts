import { schemaName, type TenantSlug } from "@bulkhead/channels"
import { NatsServer, PostgresServer, waitUntil } from "@bulkhead/devstack"
import { Nats } from "@bulkhead/nats"
import {
  Database,
  LaneStore,
  migrateControlSchema,
  storageLayer,
  TenantSchemas,
  TenantStats,
  TenantStore
} from "@bulkhead/storage"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, layer } from "@effect/vitest"
import { jetstreamManager } from "@nats-io/jetstream"
import { Effect, Fiber, Layer } from "effect"
import { writeReadings } from "../examples/write-numbers.ts"
import type { LaneProgress } from "../src/index.ts"

const slug = (text: string) => text as TenantSlug

const servers = Layer.merge(NatsServer.layer(), PostgresServer.layer())

const services = Layer.unwrap(
  Effect.gen(function* () {
    const { url } = yield* NatsServer
    const database = yield* (yield* PostgresServer).createDatabase("lanes")
    return Layer.mergeAll(
      Nats.layerWith({ servers: [url] }),
      PgClient.layer({ url: database, maxConnections: 2 }),
      storageLayer.pipe(
        Layer.provideMerge(
          Layer.effectDiscard(migrateControlSchema).pipe(Layer.provideMerge(Database.layerWith({ url: database })))
        )
      )
    )
  })
).pipe(Layer.provide(servers))

const newProgress = (): LaneProgress => ({
  rowsWritten: 0,
  deadLetters: 0,
  lastCommitAtMs: undefined,
  lag: undefined
})

/** A tenant with the table of the example. */
const newTenant = Effect.fnUntraced(function* (name: string) {
  const tenant = yield* (yield* TenantStore).create({ slug: slug(name), name, plan: "pro" })
  yield* (yield* TenantSchemas).provision(tenant.slug)
  const sql = yield* PgClient.PgClient
  const schema = schemaName(tenant.slug)
  const statements = [
    `create table ${schema}.readings (
      lane_id smallint, stream_seq bigint, time timestamptz not null, value float8 not null
    ) partition by range (time)`,
    `create table ${schema}.readings_default partition of ${schema}.readings default`,
    `alter table ${schema}.readings owner to ${schema}`,
    `alter table ${schema}.readings_default owner to ${schema}`
  ]
  for (const statement of statements) yield* sql.unsafe(statement).unprepared
  return tenant.slug
})

/** A lane that reads: its stream is there. */
const startLane = Effect.fnUntraced(function* (tenant: TenantSlug, progress = newProgress()) {
  const lane = yield* Effect.forkChild(Effect.scoped(writeReadings(tenant, progress)))
  yield* waitUntil(
    "the lane runs",
    Effect.sync(() => progress.lag !== undefined)
  )
  return lane
})

const publish = Effect.fnUntraced(function* (tenant: TenantSlug, payloads: ReadonlyArray<string>) {
  const connection = yield* (yield* Nats).connection
  yield* Effect.promise(async () => {
    for (const payload of payloads) connection.publish(`${tenant}.telemetry.reading`, payload)
    await connection.flush()
  })
})

const storedIn = Effect.fnUntraced(function* (tenant: TenantSlug) {
  const sql = yield* PgClient.PgClient
  const rows = yield* sql.unsafe<{ value: number; seq: number }>(
    `select value, stream_seq::float8 as seq from ${schemaName(tenant)}.readings order by ctid`
  )
  return rows.map(({ value }) => value)
})

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)

const isWritten = (tenant: TenantSlug, count: number) =>
  waitUntil(
    `${count} rows are written`,
    Effect.map(storedIn(tenant), (stored) => stored.length >= count)
  )

describe("runLane", () => {
  layer(services, { excludeTestServices: true })((it) => {
    it.effect("writes a kind of record of its own: in order, each once, poison as dead letters", () =>
      Effect.gen(function* () {
        const tenant = yield* newTenant("readings")
        const progress = newProgress()
        const lane = yield* startLane(tenant, progress)
        const payloads = numbers(0, 5_000).map((value) => (value % 1_000 === 7 ? "poison" : String(value)))
        yield* publish(tenant, payloads)
        yield* isWritten(tenant, 4_995)
        assert.deepStrictEqual(
          yield* storedIn(tenant),
          numbers(0, 5_000).filter((value) => value % 1_000 !== 7)
        )
        yield* waitUntil(
          "the last commit is counted",
          Effect.sync(() => progress.rowsWritten === 4_995)
        )
        assert.strictEqual(progress.deadLetters, 5)
        yield* Fiber.interrupt(lane)
        const [stats] = yield* (yield* TenantStats).lanes(tenant)
        assert.deepInclude(stats, { watermark: 5_000, rows: 4_995, deadLetters: 5 })
      })
    )

    it.effect("goes on where an interrupted one stopped, and its totals too", () =>
      Effect.gen(function* () {
        const tenant = yield* newTenant("again")
        for (const round of [0, 1, 2]) {
          const lane = yield* startLane(tenant)
          yield* publish(tenant, numbers(round * 300, (round + 1) * 300).map(String))
          yield* isWritten(tenant, (round + 1) * 300)
          yield* Fiber.interrupt(lane)
        }
        assert.deepStrictEqual(yield* storedIn(tenant), numbers(0, 900))
        const [stats] = yield* (yield* TenantStats).lanes(tenant)
        assert.deepInclude(stats, { rows: 900 })
      })
    )

    it.effect("fails when another writer has moved its watermark, and has written nothing of that batch", () =>
      Effect.gen(function* () {
        const tenant = yield* newTenant("taken")
        const lane = yield* startLane(tenant)
        yield* publish(tenant, ["1"])
        yield* isWritten(tenant, 1)
        const [stats] = yield* (yield* TenantStats).lanes(tenant)
        const store = yield* LaneStore
        const { lane: opened, watermark } = yield* store.open(tenant, stats?.lane ?? "")
        const messageAt = () => {
          throw new Error("no rows")
        }
        const batch = { tenant, lane: opened, from: watermark, to: watermark + 10, messageAt }
        yield* store.commit({ ...batch, tables: [], deadLetters: [] })
        yield* publish(tenant, ["2"])
        const error = yield* Effect.flip(Fiber.join(lane))
        assert.strictEqual(error._tag, "StorageError")
        assert.deepInclude("reason" in error ? error.reason : {}, { _tag: "LaneLost", observed: watermark + 10 })
        assert.deepStrictEqual(yield* storedIn(tenant), [1])
      })
    )

    it.effect("fails when its consumer is deleted, and the next one goes on", () =>
      Effect.gen(function* () {
        const tenant = yield* newTenant("deleted")
        const lane = yield* startLane(tenant)
        yield* publish(tenant, ["1"])
        yield* isWritten(tenant, 1)
        const manager = yield* Effect.flatMap((yield* Nats).connection, (connection) =>
          Effect.promise(() => jetstreamManager(connection))
        )
        yield* Effect.promise(() => manager.consumers.delete(`events-${tenant}`, "readings-writer"))
        const error = yield* Effect.flip(Fiber.join(lane))
        assert.strictEqual(error._tag, "ConsumeError")
        const next = yield* startLane(tenant)
        yield* publish(tenant, ["2"])
        yield* isWritten(tenant, 2)
        assert.deepStrictEqual(yield* storedIn(tenant), [1, 2])
        yield* Fiber.interrupt(next)
      })
    )
  })
})
