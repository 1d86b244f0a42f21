/** Every kind of record goes through one lane of a tenant into the tables of that tenant, each message once. */
import { patternsForTenant, schemaName, type TenantSlug } from "@bulkhead/channels"
import { NatsServer, PostgresServer, waitUntil } from "@bulkhead/devstack"
import { ensureStream, Nats, planTenantStream, recordPatterns } from "@bulkhead/nats"
import { type Decoder, flowDecoder, type RecordTable } from "@bulkhead/records"
import { corpus } from "@bulkhead/records/testing"
import {
  Database,
  DeadLetters,
  migrateControlSchema,
  Retention,
  storageLayer,
  TenantSchemas,
  TenantStats,
  TenantStore
} from "@bulkhead/storage"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { type LaneProgress, letterDecoder, recordDecoder, retryDeadLetters, runLane } from "../src/index.ts"

const services = Layer.unwrap(
  Effect.gen(function* () {
    const { url } = yield* NatsServer
    const database = yield* (yield* PostgresServer).createDatabase("records")
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
).pipe(Layer.provide(Layer.merge(NatsServer.layer(), PostgresServer.layer())))

/** Where payloads of a decoder are published. */
const SUBJECTS: Readonly<Record<string, ReadonlyArray<string>>> = {
  ocsfEventDecoder: ["events.ocsf.processed"],
  logDecoder: ["logs.otel.processed", "logs.internal.jobs.processed", "otel.logs"],
  metricDecoder: ["otel.metrics", "otel.metrics.raw"],
  traceDecoder: ["otel.traces"],
  sweepDecoder: ["sweep.results"],
  timeseriesDecoder: ["telemetry.sample"]
}

const everyKind = corpus.flatMap(({ decoder, payload }) =>
  (SUBJECTS[decoder] ?? []).map((subject) => ({ subject, payload }))
)

/** How many rows of which table messages are. */
const rowsOf = (
  decode: Decoder,
  messages: ReadonlyArray<{ readonly subject: string; readonly payload: Uint8Array }>
) => {
  const rows: Record<string, number> = {}
  const add = ({ name }: RecordTable<never>) => {
    rows[name] = (rows[name] ?? 0) + 1
  }
  for (const { subject, payload } of messages) {
    decode({ subject, headers: {}, data: payload, timestamp: new Date() }, { add })
  }
  return rows
}

const idle = (): LaneProgress => ({ rowsWritten: 0, deadLetters: 0, lastCommitAtMs: undefined, lag: undefined })

const newTenant = Effect.fnUntraced(function* (name: string) {
  const { slug } = yield* (yield* TenantStore).create({ slug: name as TenantSlug, name, plan: "pro" })
  yield* (yield* TenantSchemas).provision(slug)
  const settings = { maxBytes: 100_000_000, maxAgeMs: 0 }
  const planned = planTenantStream({ tenant: slug, mode: "prefixed", settings })
  if (planned === undefined) return yield* Effect.die("a tenant has a stream")
  return { tenant: slug, source: { ...(yield* ensureStream(planned)), mode: "prefixed" as const } }
})

type Fixture = Effect.Success<ReturnType<typeof newTenant>>

/** A lane that fails is run again, as its supervisor does. */
const startLane = Effect.fnUntraced(function* ({ tenant, source }: Fixture) {
  const run = Effect.gen(function* () {
    const present = yield* (yield* TenantStats).lanes(tenant)
    return yield* runLane({
      tenant,
      source: { ...source, lastSequence: Number.MAX_SAFE_INTEGER },
      durable: "writer",
      filterSubjects: recordPatterns("processed").flatMap((one) => patternsForTenant(tenant, one, "prefixed")),
      decode: recordDecoder("processed"),
      limits: { rowsMax: 500, bytesMax: 8_000_000, ageMs: 5 },
      present,
      progress: idle(),
      onCommit: () => Effect.void
    })
  })
  return yield* Effect.forkChild(Effect.scoped(run).pipe(Effect.retry({ times: 3 })))
})

const publish = Effect.fnUntraced(function* (
  tenant: TenantSlug,
  messages: ReadonlyArray<{ readonly subject: string; readonly payload: Uint8Array }>
) {
  const connection = yield* (yield* Nats).connection
  yield* Effect.promise(async () => {
    for (const { subject, payload } of messages) {
      await connection.request(`${tenant}.${subject}`, payload, { timeout: 5_000 })
    }
  })
})

/** The tables of records in a tenant's schema, and how many rows each has. */
const storedIn = Effect.fnUntraced(function* (tenant: TenantSlug) {
  const sql = yield* PgClient.PgClient
  const tables = yield* sql.unsafe<{ name: string }>(
    `select relname as name from pg_class where relnamespace = '${schemaName(tenant)}'::regnamespace and relkind = 'p'`
  )
  const stored: Record<string, number> = {}
  for (const { name } of tables) {
    const [row] = yield* sql.unsafe<{ count: number }>(
      `select count(*)::int4 as count from ${schemaName(tenant)}.${name}`
    )
    stored[name] = row?.count ?? 0
  }
  return stored
})

/** Waits until the lane has passed so many messages. */
const isPassed = (tenant: TenantSlug, sequence: number) =>
  waitUntil(
    `message ${sequence} of "${tenant}" is passed`,
    Effect.gen(function* () {
      const [lane] = yield* (yield* TenantStats).lanes(tenant)
      return (lane?.watermark ?? 0) >= sequence
    })
  )

const log = (body: string) => new TextEncoder().encode(JSON.stringify({ message: body }))

describe("a lane of records", () => {
  layer(services, { excludeTestServices: true })((it) => {
    it.effect("writes every kind into its table of its own tenant, once, and makes tables only then", () =>
      Effect.gen(function* () {
        const acme = yield* newTenant("acme")
        const globex = yield* newTenant("globex")
        assert.deepStrictEqual(yield* storedIn(acme.tenant), { ocsf_events: 0 })
        const lane = yield* startLane(acme)
        const other = yield* startLane(globex)
        yield* publish(acme.tenant, everyKind)
        yield* publish(globex.tenant, [{ subject: "logs.syslog.processed", payload: log("theirs") }])
        yield* isPassed(acme.tenant, everyKind.length)
        yield* isPassed(globex.tenant, 1)
        const expected = rowsOf(recordDecoder("processed"), everyKind)
        assert.hasAllKeys(expected, [
          "ocsf_events",
          "logs",
          "otel_metrics",
          "otel_traces",
          "ocsf_network_activity",
          "timeseries_metrics"
        ])
        assert.deepStrictEqual(yield* storedIn(acme.tenant), expected)
        assert.deepStrictEqual(yield* storedIn(globex.tenant), { ocsf_events: 0, logs: 1 })
        assert.lengthOf([...(yield* (yield* TenantSchemas).intact([acme.tenant, globex.tenant]))], 2)
        yield* Fiber.interrupt(lane)
        yield* Fiber.interrupt(other)
      })
    )

    it.effect("passes over what another service reads, and raw logs that a rule engine gives out again", () =>
      Effect.gen(function* () {
        const fixture = yield* newTenant("passing")
        const { tenant } = fixture
        const lane = yield* startLane(fixture)
        const subjects = [
          "logs.syslog",
          "logs.internal.jobs",
          "netflow.raw",
          "flows.raw.netflow",
          "events.netflow",
          "otel.metrics.raw.processed"
        ]
        yield* publish(tenant, [
          ...subjects.map((subject) => ({ subject, payload: log("not here") })),
          { subject: "logs.syslog.processed", payload: log("here") }
        ])
        yield* isPassed(tenant, subjects.length + 1)
        assert.deepStrictEqual(yield* storedIn(tenant), { ocsf_events: 0, logs: 1 })
        assert.deepStrictEqual(yield* (yield* DeadLetters).counts(tenant), {})
        yield* Fiber.interrupt(lane)
      })
    )

    it.effect("goes on after it was interrupted at any place, and writes nothing twice", () =>
      Effect.gen(function* () {
        const fixture = yield* newTenant("again")
        const { tenant } = fixture
        const sent = Array.from({ length: 3_000 }, (_, index) => ({
          subject: index % 2 === 0 ? "logs.syslog.processed" : "telemetry.sample",
          payload:
            index % 2 === 0
              ? log(String(index))
              : new TextEncoder().encode(JSON.stringify({ metric_name: "m", value: index }))
        }))
        const publishing = yield* Effect.forkChild(publish(tenant, sent))
        for (const watermark of [1, 700, 1_500]) {
          const lane = yield* startLane(fixture)
          yield* isPassed(tenant, watermark)
          yield* Fiber.interrupt(lane)
        }
        const lane = yield* startLane(fixture)
        yield* Fiber.join(publishing)
        yield* isPassed(tenant, sent.length)
        yield* Fiber.interrupt(lane)
        assert.deepStrictEqual(yield* storedIn(tenant), { ocsf_events: 0, logs: 1_500, timeseries_metrics: 1_500 })
        const sql = yield* PgClient.PgClient
        const [found] = yield* sql.unsafe<{ distinct: number }>(
          `select count(distinct body)::int4 as distinct from ${schemaName(tenant)}.logs`
        )
        assert.strictEqual(found?.distinct, 1_500)
      })
    )

    it.effect("keeps a payload that is no log as a dead letter, and tries it again with the decoder of its kind", () =>
      Effect.gen(function* () {
        const fixture = yield* newTenant("poison")
        const { tenant } = fixture
        const letters = yield* DeadLetters
        const lane = yield* startLane(fixture)
        yield* publish(tenant, [
          { subject: "logs.syslog.processed", payload: log("good") },
          { subject: "logs.syslog.processed", payload: new TextEncoder().encode('{"message":') },
          { subject: "logs.syslog.processed", payload: log("good too") }
        ])
        yield* isPassed(tenant, 3)
        assert.deepStrictEqual(yield* letters.counts(tenant), { malformed_json: 1 })
        assert.deepStrictEqual(yield* storedIn(tenant), { ocsf_events: 0, logs: 2 })
        yield* Fiber.interrupt(lane)
        // As if the payload had been corrected, and had been of a kind that has no table yet.
        const sql = yield* PgClient.PgClient
        yield* sql.unsafe(
          `update ${schemaName(tenant)}.dead_letters set payload = '{"metric_name":"m","value":1}',
            subject = 'poison.telemetry.x'`
        )
        const { outcomes } = yield* retryDeadLetters(tenant, { filter: {}, limit: 10 }, letterDecoder(flowDecoder))
        assert.deepStrictEqual(
          outcomes.map(({ outcome }) => outcome),
          ["stored"]
        )
        assert.deepStrictEqual(yield* storedIn(tenant), { ocsf_events: 0, logs: 2, timeseries_metrics: 1 })
      })
    )

    it.effect("stores a message of many more records than a statement or a batch takes, whole and once", () =>
      Effect.gen(function* () {
        const fixture = yield* newTenant("many")
        const { tenant } = fixture
        const records = 50_001
        const payload = new TextEncoder().encode(`[${Array(records).fill("{}").join(",")}]`)
        const lane = yield* startLane(fixture)
        yield* publish(tenant, [
          { subject: "logs.a.processed", payload: log("before") },
          { subject: "logs.b.processed", payload },
          { subject: "logs.a.processed", payload: new TextEncoder().encode("{") },
          { subject: "logs.b.processed", payload: log("after") }
        ])
        yield* isPassed(tenant, 4)
        yield* Fiber.interrupt(lane)
        const sql = yield* PgClient.PgClient
        const stored = yield* sql.unsafe<{ seq: number; count: number }>(
          `select stream_seq::int4 as seq, count(*)::int4 as count from ${schemaName(tenant)}.logs group by 1 order by 1`
        )
        assert.deepStrictEqual(stored, [
          { seq: 1, count: 1 },
          { seq: 2, count: records },
          { seq: 4, count: 1 }
        ])
        assert.deepStrictEqual(yield* (yield* DeadLetters).counts(tenant), { malformed_json: 1 })
        const [stats] = yield* (yield* TenantStats).lanes(tenant)
        assert.deepInclude(stats, { rows: records + 2, deadLetters: 1 })
      })
    )

    it.effect("makes a table again that somebody dropped under a lane", () =>
      Effect.gen(function* () {
        const fixture = yield* newTenant("dropped")
        const { tenant } = fixture
        const lane = yield* startLane(fixture)
        yield* publish(tenant, [{ subject: "logs.a.processed", payload: log("before") }])
        yield* isPassed(tenant, 1)
        const sql = yield* PgClient.PgClient
        yield* sql.unsafe(`drop table ${schemaName(tenant)}.logs`)
        yield* publish(tenant, [{ subject: "logs.a.processed", payload: log("after") }])
        yield* isPassed(tenant, 2)
        assert.deepStrictEqual(yield* storedIn(tenant), { ocsf_events: 0, logs: 1 })
        yield* Fiber.interrupt(lane)
      })
    )

    it.effect("has its old months dropped, and odd times deleted, whichever column says the time", () =>
      Effect.gen(function* () {
        const fixture = yield* newTenant("expiry")
        const { tenant } = fixture
        const lane = yield* startLane(fixture)
        const days = (count: number) => new Date(Date.now() - count * 86_400_000).toISOString()
        const at = (timestamp: string) => new TextEncoder().encode(JSON.stringify({ message: "old", timestamp }))
        yield* publish(
          tenant,
          [days(0), days(90), "1970-01-01T00:00:00Z"].map((time) => ({
            subject: "logs.a.processed",
            payload: at(time)
          }))
        )
        yield* isPassed(tenant, 3)
        yield* Fiber.interrupt(lane)
        const report = yield* (yield* Retention).run(tenant, { days: 30 })
        assert.strictEqual(report.strayRows, 1)
        assert.deepStrictEqual(report.dropped, [`logs_${days(90).slice(0, 7).replace("-", "_")}`])
        assert.deepStrictEqual(yield* storedIn(tenant), { ocsf_events: 0, logs: 1 })
      })
    )
  })
})
