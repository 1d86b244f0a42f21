/**
 * How fast a lane writes flows: one FlowMessage a message from JetStream into both tables of flows, enriched and summed by
 * minute and hour, exactly once, against the raw limit: the same rows, decoded beforehand, loaded into the same tables over
 * one connection without the sums. The two take turns.
 */
import { schemaName, streamName, type TenantSlug } from "@bulkhead/channels"
import { FlowDecoder } from "@bulkhead/flows"
import { ensureStream, Nats } from "@bulkhead/nats"
import { type Decoder, netflowMetrics, networkActivity, type RecordTable } from "@bulkhead/records"
import { flowMessage } from "@bulkhead/records/testing"
import { migrateControlSchema, TenantSchemas, TenantStore } from "@bulkhead/storage"
import { Effect } from "effect"
import { slugOf } from "./events.ts"
import { loadRaw, rateOf, startLaneServers, writeAll } from "./laneBench.ts"
import { median } from "./median.ts"
import type { Benchmark } from "./run.ts"

const FLOWS = 60_000
const ROUNDS = 5
const RATIO_MIN = 0.7
const LIMITS = { rowsMax: 5_000, bytesMax: 8 * 1024 * 1024, ageMs: 50 }
const IN_FLIGHT = 500

const streamOf = (tenant: TenantSlug) =>
  ensureStream({ name: streamName(tenant), subjects: [`${tenant}.flows.>`], maxAgeMs: 0 })

const fill = Effect.fnUntraced(function* (tenant: TenantSlug, payloads: ReadonlyArray<Uint8Array>) {
  const connection = yield* (yield* Nats).connection
  yield* streamOf(tenant)
  yield* Effect.promise(async () => {
    for (let from = 0; from < payloads.length; from += IN_FLIGHT) {
      const some = payloads.slice(from, from + IN_FLIGHT)
      await Promise.all(
        some.map((payload) => connection.request(`${tenant}.flows.raw.netflow`, payload, { timeout: 10_000 }))
      )
    }
  })
})

const writeFlows = Effect.fnUntraced(function* (tenant: TenantSlug, decode: Decoder) {
  yield* writeAll({
    tenant,
    stream: yield* streamOf(tenant),
    reader: "netflow-consumer",
    durable: "netflow-consumer",
    filterSubjects: [`${tenant}.flows.raw.*`],
    decode,
    limits: LIMITS,
    // A row in each table.
    rows: 2 * FLOWS
  })
})

const decodeAll = (decode: Decoder, payloads: ReadonlyArray<Uint8Array>) => {
  const rows = new Map<RecordTable, Array<object>>([
    [netflowMetrics, []],
    [networkActivity, []]
  ])
  const add = (table: RecordTable<never>, row: object) => void rows.get(table)?.push(row)
  for (const data of payloads) {
    const error = decode({ subject: "flows.raw.netflow", headers: {}, data, timestamp: new Date() }, { add })
    if (error !== undefined) throw error
  }
  return [...rows].map(([table, of]) => ({ table, rows: of }))
}

const measure = Effect.gen(function* () {
  const { superuser, oneConnection, services } = yield* startLaneServers
  return yield* Effect.gen(function* () {
    yield* migrateControlSchema
    const decode = yield* FlowDecoder
    const tenant = slugOf(0)
    yield* (yield* TenantStore).create({ slug: tenant, name: tenant, plan: "pro" })
    yield* (yield* TenantSchemas).provision(tenant)
    const nowNanos = BigInt(Date.now()) * 1_000_000n
    const payloads = Array.from({ length: FLOWS }, (_, index) =>
      flowMessage(index, nowNanos + BigInt(index) * 1_000_000n)
    )
    const loads = decodeAll(decode, payloads)
    yield* fill(tenant, payloads)
    const schema = schemaName(tenant)
    const [flows, minutes] = [`${schema}.netflow_metrics`, `${schema}.netflow_minutes`]
    const run = (text: string) => superuser.unsafe(text).unprepared
    const empty = run(
      `truncate ${flows}, ${schema}.ocsf_network_activity, ${minutes}, ${schema}.netflow_hours, ${schema}.watermarks`
    )
    const raw: Array<number> = []
    const lane: Array<number> = []
    for (let round = 0; round <= ROUNDS; round += 1) {
      if (round > 0) yield* run(`alter table ${flows} disable trigger roll_up`)
      const load = loadRaw(tenant, loads, LIMITS.rowsMax).pipe(Effect.provide(oneConnection))
      const rawRate = yield* rateOf(FLOWS, load)
      yield* run(`alter table ${flows} enable trigger roll_up`)
      yield* empty
      const laneRate = yield* rateOf(FLOWS, writeFlows(tenant, decode))
      const [stored] = yield* superuser.unsafe<{ rows: number; summed: number }>(
        `select (select count(*) from ${flows})::int4 as rows, (select sum(flows) from ${minutes})::int4 as summed`
      )
      if (stored?.rows !== FLOWS || stored.summed !== FLOWS) {
        throw new Error(`of ${FLOWS} flows ${stored?.rows} are stored and ${stored?.summed} summed`)
      }
      yield* empty
      // The first round warms up, and makes the tables.
      if (round === 0) continue
      raw.push(rawRate)
      lane.push(laneRate)
    }
    return { raw: median(raw), lane: median(lane), bytes: payloads[0]?.byteLength ?? 0 }
  }).pipe(Effect.provide([services, FlowDecoder.layer]))
})

export const benchmark: Benchmark = async () => {
  const { raw, lane, bytes } = await Effect.runPromise(Effect.scoped(measure))
  const ratio = lane / raw
  const text = `(limit ${RATIO_MIN}): lane ${Math.round(lane)}/s, raw ${Math.round(raw)}/s, flows of ${bytes} bytes`
  return { ratio, isGood: ratio >= RATIO_MIN, text }
}
