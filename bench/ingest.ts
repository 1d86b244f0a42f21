/**
 * How fast a lane writes: events of about 500 bytes from JetStream into PostgreSQL, exactly once, against the raw limit:
 * the same rows, decoded beforehand, loaded into the same table over one connection by batches of the same size.
 *
 * The two take turns. The line also gives how the rate holds when events come in bursts of many tenants, each with a
 * stream, a lane and a schema of its own, and how old an event is when it is committed at a tenth of the load.
 */
import { spawn } from "node:child_process"
import { join } from "node:path"
import { schemaName, streamName, type TenantSlug } from "@bulkhead/channels"
import { ensureStream, Nats } from "@bulkhead/nats"
import { type LaneProgress, runLane } from "@bulkhead/pipeline"
import { DecodeError, decodeOcsfEvent, ocsfEventDecoder, ocsfEvents } from "@bulkhead/records"
import { type LaneStore, migrateControlSchema, TenantSchemas, TenantStats, TenantStore } from "@bulkhead/storage"
import type { PgClient } from "@effect/sql-pg"
import { Effect, type Layer } from "effect"
import { payloadsOf, slugOf } from "./events.ts"
import { loadRaw, rateOf, startLaneServers } from "./laneBench.ts"
import { median } from "./median.ts"
import type { Benchmark } from "./run.ts"

const EVENTS = 60_000
const ROUNDS = 5
const BATCH = { rowsMax: 2_000, bytesMax: 8 * 1024 * 1024, ageMs: 50 }
const RATIO_MIN = 0.75
/** Tenants that events are spread over, in bursts: each tenant sends one burst in a round. */
const SPREADS = [1, 10, 100, 500]
/** Events of a burst at least; a round has `EVENTS` events at least. */
const BURST = 500
const SPREAD_MIN = 0.8
const SPREAD_ROUNDS = 3
const LATENCY_MS_MAX = 250
const LATENCY_SECONDS = 10

const eventsOf = (tenants: number): number => Math.max(EVENTS, tenants * BURST)

const percentile = (values: ReadonlyArray<number>, share: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? 0

const newProgress = (): LaneProgress => ({
  rowsWritten: 0,
  deadLetters: 0,
  lastCommitAtMs: undefined,
  lag: undefined
})

const streamOf = (tenant: TenantSlug) =>
  ensureStream({ name: streamName(tenant), subjects: [`${tenant}.events.>`], maxAgeMs: 0 })

/** Publishes the payloads and waits until all are stored. */
const fill = Effect.fnUntraced(function* (tenant: TenantSlug, payloads: ReadonlyArray<Uint8Array>) {
  const connection = yield* (yield* Nats).connection
  yield* streamOf(tenant)
  yield* Effect.promise(async () => {
    for (const [index, payload] of payloads.entries()) {
      connection.publish(`${tenant}.events.bench`, payload)
      if (index % 500 === 0) await connection.flush()
    }
    await connection.flush()
  })
  yield* Effect.repeat(streamOf(tenant), { until: ({ lastSequence }) => lastSequence >= payloads.length })
})

/** Runs a tenant's lane until the scope closes or it fails; `onRows` hears how many rows each commit wrote. */
const runBenchLane = Effect.fnUntraced(function* (tenant: TenantSlug, onRows: (rows: number) => void) {
  const present = yield* (yield* TenantStats).lanes(tenant)
  const source = { ...(yield* streamOf(tenant)), mode: "prefixed" as const }
  return yield* runLane({
    tenant,
    source,
    durable: "event-writer",
    filterSubjects: [`${tenant}.events.>`],
    decode: ocsfEventDecoder,
    limits: BATCH,
    present,
    progress: newProgress(),
    onCommit: ({ rows }) => Effect.sync(() => onRows(rows))
  })
})

/** Counts rows and says when a number of them has come. */
class RowCounter {
  #left = 0
  #onDone: (() => void) | undefined
  readonly add = (rows: number): void => {
    this.#left -= rows
    if (this.#left <= 0) this.#onDone?.()
  }
  /** Resolves when `count` more rows have come. */
  expect(count: number): Promise<void> {
    this.#left = count
    return new Promise((resolve) => {
      this.#onDone = resolve
    })
  }
}

/** A lane that starts with its stream full, until all is written. */
const writeAll = (tenant: TenantSlug, events: number) =>
  Effect.suspend(() => {
    const counter = new RowCounter()
    const done = counter.expect(events)
    return Effect.scoped(
      Effect.raceFirst(
        runBenchLane(tenant, counter.add),
        Effect.promise(() => done)
      )
    )
  })

/** Empties a tenant's tables, so that each round writes into the same state. */
const empty = (superuser: PgClient.PgClient, tenant: TenantSlug) =>
  superuser.unsafe(`truncate ${schemaName(tenant)}.ocsf_events, ${schemaName(tenant)}.watermarks`).unprepared

const measureRates = Effect.fnUntraced(function* (superuser: PgClient.PgClient, oneConnection: Layer.Layer<LaneStore>) {
  const tenant = slugOf(0)
  const payloads = payloadsOf(EVENTS)
  const rows = payloads.map((payload) => decodeOcsfEvent(payload, { now: new Date() }))
  if (rows.some((row) => row instanceof DecodeError)) throw new Error("an event of the benchmark is none")
  yield* fill(tenant, payloads)
  const raw: Array<number> = []
  const lane: Array<number> = []
  for (let round = 0; round <= ROUNDS; round += 1) {
    yield* empty(superuser, tenant)
    const load = loadRaw(tenant, [{ table: ocsfEvents, rows }], BATCH.rowsMax).pipe(Effect.provide(oneConnection))
    const rawRate = yield* rateOf(EVENTS, load)
    yield* empty(superuser, tenant)
    const laneRate = yield* rateOf(EVENTS, writeAll(tenant, EVENTS))
    // The first round warms up.
    if (round === 0) continue
    raw.push(rawRate)
    lane.push(laneRate)
  }
  return { raw: median(raw), lane: median(lane), bytes: payloads[0]?.byteLength ?? 0 }
})

/** Publishes from a process of its own, so that it takes no time of the lanes': see `publishBursts.ts`. */
const publishBursts = (url: string, tenants: number, events: number) =>
  Effect.promise(
    () =>
      new Promise<void>((resolve, reject) => {
        const script = join(import.meta.dirname, "publishBursts.ts")
        const child = spawn(process.execPath, [...process.execArgv, script, url, String(tenants), String(events)], {
          stdio: "inherit"
        })
        child.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`the publisher ended with ${code}`))))
      })
  )

/** Rates by number of tenants, while the lanes of all of them are open. */
const measureSpreads = Effect.fnUntraced(function* (url: string, counter: RowCounter) {
  const rates = new Map(SPREADS.map((tenants) => [tenants, [] as Array<number>]))
  for (let round = 0; round <= SPREAD_ROUNDS; round += 1) {
    for (const [tenants, measured] of rates) {
      const events = eventsOf(tenants)
      const done = counter.expect(events)
      const work = Effect.all([publishBursts(url, tenants, events), Effect.promise(() => done)], { concurrency: 2 })
      const one = yield* rateOf(events, work)
      if (round > 0) measured.push(one)
    }
  }
  return [...rates].map(([tenants, measured]) => ({ tenants, rate: median(measured) }))
})

/** How old events are when they are committed, at `perSecond` events a second over ten tenants; milliseconds. */
const measureLatency = Effect.fnUntraced(function* (
  perSecond: number,
  onRows: Map<TenantSlug, (rows: number) => void>
) {
  const connection = yield* (yield* Nats).connection
  const tenants = Array.from({ length: 10 }, (_, index) => slugOf(index))
  const payloads = payloadsOf(1_000)
  const ages: Array<number> = []
  for (const tenant of tenants) onRows.set(tenant, () => undefined)
  const published = new Map(tenants.map((tenant) => [tenant, [] as Array<number>]))
  for (const [tenant, times] of published) {
    onRows.set(tenant, (rows) => {
      const now = performance.now()
      for (const time of times.splice(0, rows)) ages.push(now - time)
    })
  }
  const total = Math.round(perSecond * LATENCY_SECONDS)
  const began = performance.now()
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.ceil(((performance.now() - began) * perSecond) / 1_000))
    for (; sent < due; sent += 1) {
      const tenant = tenants[sent % tenants.length] ?? slugOf(0)
      published.get(tenant)?.push(performance.now())
      connection.publish(`${tenant}.events.bench`, payloads[sent % payloads.length])
    }
    yield* Effect.sleep(1)
  }
  yield* Effect.suspend(() => Effect.sleep(10)).pipe(Effect.repeat({ until: () => ages.length >= total }))
  return { p50: percentile(ages, 0.5), p99: percentile(ages, 0.99) }
})

const measure = Effect.gen(function* () {
  const { nats, superuser, oneConnection, services } = yield* startLaneServers
  return yield* Effect.gen(function* () {
    yield* migrateControlSchema
    const tenants = yield* Effect.forEach(
      Array.from({ length: Math.max(...SPREADS) }, (_, index) => slugOf(index)),
      (slug) =>
        Effect.gen(function* () {
          yield* (yield* TenantStore).create({ slug, name: slug, plan: "pro" })
          yield* (yield* TenantSchemas).provision(slug)
          return slug
        }),
      { concurrency: 4 }
    )
    const { raw, lane, bytes } = yield* measureRates(superuser, oneConnection)
    const counter = new RowCounter()
    const onRows = new Map<TenantSlug, (rows: number) => void>()
    const lanes = Effect.forEach(
      tenants,
      (tenant) => runBenchLane(tenant, (rows) => (onRows.get(tenant) ?? counter.add)(rows)),
      { concurrency: "unbounded", discard: true }
    )
    const measured = Effect.gen(function* () {
      const spreads = yield* measureSpreads(nats.url, counter)
      const latency = yield* measureLatency(lane / 10, onRows)
      return { raw, lane, bytes, spreads, latency }
    })
    // A lane that fails ends the benchmark: nothing starts it again here.
    return yield* Effect.raceFirst(measured, Effect.andThen(lanes, Effect.never))
  }).pipe(Effect.provide(services))
})

export const benchmark: Benchmark = async () => {
  const { raw, lane, bytes, spreads, latency } = await Effect.runPromise(Effect.scoped(measure))
  const ratio = lane / raw
  const rates = spreads.map(({ rate }) => rate)
  const spread = Math.min(...rates) / Math.max(...rates)
  const figures = [
    `lane ${Math.round(lane)}/s, raw ${Math.round(raw)}/s, events of ${bytes} bytes`,
    `1 to ${Math.max(...SPREADS)} tenants ${spread.toFixed(2)} (limit ${SPREAD_MIN}: ${spreads.map(({ tenants, rate }) => `${tenants} ${Math.round(rate)}/s`).join(", ")})`,
    `age at a tenth of the rate p50 ${latency.p50.toFixed(0)} ms, p99 ${latency.p99.toFixed(0)} ms (limit ${LATENCY_MS_MAX} ms)`
  ]
  const isGood = ratio >= RATIO_MIN && spread >= SPREAD_MIN && latency.p99 < LATENCY_MS_MAX
  return { ratio, isGood, text: `(limit ${RATIO_MIN}): ${figures.join("; ")}` }
}
