/**
 * How fast a lane writes OTLP logs: requests of 1000 records in protobuf from JetStream into PostgreSQL, exactly once,
 * against the raw limit: the same rows, decoded beforehand, loaded into the same table over one connection. The two take
 * turns.
 */
import { schemaName, streamName, type TenantSlug } from "@bulkhead/channels"
import { ensureStream, Nats } from "@bulkhead/nats"
import { recordDecoder } from "@bulkhead/pipeline"
import { logDecoder, logs } from "@bulkhead/records"
import { otlpLogs } from "@bulkhead/records/testing"
import { migrateControlSchema, TenantSchemas, TenantStore } from "@bulkhead/storage"
import { Effect } from "effect"
import { slugOf } from "./events.ts"
import { loadRaw, rateOf, startLaneServers, writeAll } from "./laneBench.ts"
import { median } from "./median.ts"
import type { Benchmark } from "./run.ts"

const REQUESTS = 60
const RECORDS = 1_000
const ROWS = REQUESTS * RECORDS
const ROUNDS = 5
const RATIO_MIN = 0.6
const LIMITS = { rowsMax: 2_000, bytesMax: 8 * 1024 * 1024, ageMs: 50 }
/** Rows of a raw batch: as many as a batch of the lane may have. */
const RAW_ROWS = 20_000

const streamOf = (tenant: TenantSlug) =>
  ensureStream({ name: streamName(tenant), subjects: [`${tenant}.logs.>`], maxAgeMs: 0 })

const fill = Effect.fnUntraced(function* (tenant: TenantSlug, requests: ReadonlyArray<Uint8Array>) {
  const connection = yield* (yield* Nats).connection
  yield* streamOf(tenant)
  yield* Effect.promise(async () => {
    for (const request of requests) await connection.request(`${tenant}.logs.otel.processed`, request)
  })
})

const writeLogs = Effect.fnUntraced(function* (tenant: TenantSlug) {
  yield* writeAll({
    tenant,
    stream: yield* streamOf(tenant),
    durable: "event-writer",
    filterSubjects: [`${tenant}.logs.*.processed`],
    decode: recordDecoder("processed"),
    limits: LIMITS,
    rows: ROWS
  })
})

const decodeAll = (requests: ReadonlyArray<Uint8Array>): ReadonlyArray<object> => {
  const rows: Array<object> = []
  const add = (_: unknown, row: object) => {
    rows.push(row)
  }
  for (const data of requests) {
    const message = { subject: "logs.otel.processed", headers: {}, data, timestamp: new Date() }
    const error = logDecoder(message, { add })
    if (error !== undefined) throw error
  }
  return rows
}

const measure = Effect.gen(function* () {
  const { superuser, oneConnection, services } = yield* startLaneServers
  return yield* Effect.gen(function* () {
    yield* migrateControlSchema
    const tenant = slugOf(0)
    yield* (yield* TenantStore).create({ slug: tenant, name: tenant, plan: "pro" })
    yield* (yield* TenantSchemas).provision(tenant)
    const nowNanos = BigInt(Date.now()) * 1_000_000n
    const requests = Array.from({ length: REQUESTS }, () => otlpLogs(RECORDS, nowNanos))
    const rows = decodeAll(requests)
    yield* fill(tenant, requests)
    const schema = schemaName(tenant)
    const logsStored = superuser.unsafe<{ count: number }>(`select count(*)::int4 as count from ${schema}.logs`)
    const empty = superuser.unsafe(`truncate ${schema}.logs, ${schema}.watermarks`).unprepared
    const raw: Array<number> = []
    const lane: Array<number> = []
    for (let round = 0; round <= ROUNDS; round += 1) {
      const rawRate = yield* rateOf(
        ROWS,
        loadRaw(tenant, [{ table: logs, rows }], RAW_ROWS).pipe(Effect.provide(oneConnection))
      )
      yield* empty
      const laneRate = yield* rateOf(ROWS, writeLogs(tenant))
      const [stored] = yield* logsStored
      if (stored?.count !== ROWS) throw new Error(`${stored?.count} of ${ROWS} rows are stored`)
      yield* empty
      // The first round warms up.
      if (round === 0) continue
      raw.push(rawRate)
      lane.push(laneRate)
    }
    return { raw: median(raw), lane: median(lane), bytes: requests[0]?.byteLength ?? 0 }
  }).pipe(Effect.provide(services))
})

export const benchmark: Benchmark = async () => {
  const { raw, lane, bytes } = await Effect.runPromise(Effect.scoped(measure))
  const ratio = lane / raw
  const text = `(limit ${RATIO_MIN}): lane ${Math.round(lane)}/s, raw ${Math.round(raw)}/s, requests of ${RECORDS} records and ${bytes} bytes`
  return { ratio, isGood: ratio >= RATIO_MIN, text }
}
