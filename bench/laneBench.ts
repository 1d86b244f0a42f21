/**
 * What the benchmarks of lanes share: servers, and the raw limit that a lane is held against.
 */
import type { TenantSlug } from "@bulkhead/channels"
import { startNatsServer, startPostgresServer } from "@bulkhead/devstack"
import { Nats, type StreamIncarnation } from "@bulkhead/nats"
import { type LaneOptions, runLane } from "@bulkhead/pipeline"
import type { RecordTable } from "@bulkhead/records"
import { Database, LaneStore, storageLayer, TenantStats } from "@bulkhead/storage"
import { PgClient } from "@effect/sql-pg"
import { Context, Deferred, Duration, Effect, Layer } from "effect"

/** Records a second. */
export const rateOf = <E, R>(records: number, work: Effect.Effect<unknown, E, R>) =>
  Effect.map(Effect.timed(work), ([took]) => (records * 1_000) / Duration.toMillis(took))

/** Servers of their own, as a lane's process sees them, and a store that has one connection. */
export const startLaneServers = Effect.gen(function* () {
  const nats = yield* startNatsServer()
  const postgres = yield* startPostgresServer()
  const url = yield* postgres.createDatabase("bench")
  const superuser = yield* Effect.map(
    Layer.build(PgClient.layer({ url, maxConnections: 1 })),
    Context.get(PgClient.PgClient)
  )
  const oneConnection = LaneStore.layer.pipe(Layer.provide(Database.layerWith({ url, poolMax: 1 })), Layer.orDie)
  const services = storageLayer.pipe(
    Layer.provideMerge(Database.layerWith({ url, poolMax: 4 })),
    Layer.provideMerge(Nats.layerWith({ servers: [nats.url] }))
  )
  return { nats, superuser, oneConnection, services }
})

/** Rows of one table. */
export interface RawRows {
  readonly table: RecordTable
  readonly rows: ReadonlyArray<object>
}

/** Loads the rows of all tables in batches, each a transaction like a lane's, with `batchRows` rows of each table. */
export const loadRaw = Effect.fnUntraced(function* (
  tenant: TenantSlug,
  loads: ReadonlyArray<RawRows>,
  batchRows: number
) {
  const store = yield* LaneStore
  const { lane } = yield* store.open(tenant, "raw")
  const messageAt = () => {
    throw new Error("PostgreSQL refused a row")
  }
  const end = Math.max(...loads.map(({ rows }) => rows.length))
  for (let from = 0; from < end; from += batchRows) {
    const tables = loads.map(({ table, rows }) => {
      const batch = rows.slice(from, from + batchRows)
      return { table, rows: batch, sequences: batch.map((_, index) => from + index + 1) }
    })
    yield* store.commit({ tenant, lane, from, to: from + batchRows, tables, deadLetters: [], messageAt })
  }
})

/** A tenant's full stream, and how a lane is to read it. */
export interface FullStream extends Pick<LaneOptions, "tenant" | "durable" | "filterSubjects" | "decode" | "limits"> {
  readonly stream: StreamIncarnation
  readonly reader?: string
  /** Rows that are in it. */
  readonly rows: number
}

/** A lane that starts with its stream full, until all is written. */
export const writeAll = Effect.fnUntraced(function* ({ stream, reader, rows: all, ...options }: FullStream) {
  const present = yield* (yield* TenantStats).lanes(options.tenant)
  const source = { ...stream, mode: "prefixed" as const, ...(reader === undefined ? {} : { reader }) }
  const done = yield* Deferred.make<void>()
  let left = all
  const lane = runLane({
    ...options,
    source,
    present,
    progress: { rowsWritten: 0, deadLetters: 0, lastCommitAtMs: undefined, lag: undefined },
    onCommit: ({ rows }) => {
      left -= rows
      return left === 0 ? Effect.asVoid(Deferred.succeed(done, undefined)) : Effect.void
    }
  })
  yield* Effect.scoped(Effect.raceFirst(lane, Deferred.await(done)))
})
