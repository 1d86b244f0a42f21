import type { TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect, Fiber } from "effect"
import { startCore } from "../testing/coreHarness.ts"
import { encode, ocsfEvent } from "../testing/events.ts"
import { ask, assertProblem } from "./ask.ts"

type Core = Effect.Success<ReturnType<typeof startCore>>

const slug = "acme" as TenantSlug
const params = { slug }

const startWithAcme = Effect.fnUntraced(function* (environment: Record<string, string> = {}) {
  const core = yield* startCore(environment)
  yield* core.api.tenants.create({ payload: { slug, name: "Acme", plan: "free" } })
  return core
})

const publishNumbers = (core: Core, from: number, to: number) =>
  Effect.forEach(
    Array.from({ length: to - from }, (_, index) => from + index),
    (number) => core.publish(slug, "events.poller.health", ocsfEvent(slug, number)),
    { concurrency: 32 }
  )

const awaitEnd = (core: Core, id: number) =>
  waitUntil(
    `replay ${id} has ended`,
    Effect.map(core.api.replays.get({ params: { slug, id } }), ({ finishedAt }) => finishedAt !== undefined),
    "60 seconds"
  ).pipe(Effect.andThen(core.api.replays.get({ params: { slug, id } })))

/** Each message of the lane has one row, whose number is what it carries. */
const audit = Effect.fnUntraced(function* (core: Core, count: number) {
  yield* core.awaitStored(slug, count)
  const rows = yield* core.query<{ number: number; sequence: number; message: string }>(
    `select (unmapped->>'number')::int as number, stream_seq::float8 as sequence, message
     from tenant_acme.ocsf_events where unmapped ? 'number' order by stream_seq`
  )
  assert.deepStrictEqual(
    rows.map(({ number }) => number).sort((a, b) => a - b),
    Array.from({ length: count }, (_, number) => number)
  )
  assert.lengthOf([...new Set(rows.map(({ sequence }) => sequence))], count)
  return rows
})

/** Removes the messages before `sequence` from the stream. */
const purgeTo = (core: Core, sequence: number) =>
  Effect.promise(async () => {
    const connection = await connect({ servers: core.nats.url })
    const manager = await jetstreamManager(connection)
    await manager.streams.purge("events-acme", { seq: sequence })
    await connection.close()
  })

const noReplaySchema = (core: Core) =>
  Effect.map(core.query("select 1 from pg_namespace where nspname = 'replay_acme'"), (rows) => {
    assert.lengthOf(rows, 0)
  })

describe("a replay", () => {
  it.live("writes every kind anew, and leaves alone what other lanes write into the same tables", () =>
    Effect.gen(function* () {
      const core = yield* startWithAcme()
      yield* publishNumbers(core, 0, 5)
      const log = (body: string) =>
        core.publish(slug, "logs.syslog.processed", encode(JSON.stringify({ message: body })))
      const sweep = (ip: string) => core.publish(slug, "sweep.results", encode(JSON.stringify({ host_ip: ip })))
      yield* log("kept")
      yield* sweep("10.0.0.1")
      const count = (table: string, rule = "true") =>
        Effect.map(
          core.query<{ count: number }>(`select count(*)::int4 as count from tenant_acme.${table} where ${rule}`),
          ([row]) => row?.count ?? 0
        )
      const awaitRows = (table: string, rows: number, rule?: string) =>
        waitUntil(
          `${rows} rows of ${table}`,
          Effect.map(
            Effect.orElseSucceed(count(table, rule), () => 0),
            (found) => found === rows
          )
        )
      yield* awaitRows("ocsf_network_activity", 1)
      yield* awaitRows("logs", 1)
      const [lane] = yield* core.query<{ seq: number }>("select seq::int4 as seq from tenant_acme.watermarks")
      const sequence = (lane?.seq ?? 0) + 1
      yield* log("wrong")
      yield* sweep("10.0.0.2")
      yield* awaitRows("ocsf_network_activity", 2)
      yield* awaitRows("logs", 2)
      // As a wrong decoder would have left them; and a row of another service's lane, behind every sequence of ours.
      yield* core.query(`update tenant_acme.logs set body = 'bent'`)
      yield* core.query(`update tenant_acme.ocsf_network_activity set dst_endpoint_ip = 'bent'`)
      yield* core.query(
        `insert into tenant_acme.ocsf_network_activity (time, direction, lane_id, stream_seq)
         values (now(), 'theirs', 99, 1000000)`
      )
      const { id } = yield* core.api.replays.request({ params, payload: { from: { sequence } } })
      assert.deepInclude(yield* awaitEnd(core, id), { status: "done", fromSequence: sequence })
      const bodies = yield* core.query<{ body: string }>("select body from tenant_acme.logs order by stream_seq")
      assert.deepStrictEqual(
        bodies.map(({ body }) => body),
        ["bent", "wrong"]
      )
      const swept = yield* core.query<{ ip: string | null }>(
        "select dst_endpoint_ip as ip from tenant_acme.ocsf_network_activity order by stream_seq"
      )
      assert.deepStrictEqual(
        swept.map(({ ip }) => ip),
        ["bent", "10.0.0.2", null]
      )
      assert.strictEqual(yield* count("ocsf_network_activity", "direction = 'theirs'"), 1)
      // A kind whose table was not there yet goes on working, as do the swapped ones.
      yield* log("after")
      yield* core.publish(slug, "telemetry.x", encode(JSON.stringify({ metric_name: "m", value: 1 })))
      yield* awaitRows("logs", 3)
      yield* awaitRows("timeseries_metrics", 1)
      yield* noReplaySchema(core)
    })
  )

  it.live("writes rows anew from a sequence on, and leaves the older ones, dead letters and grants as they were", () =>
    Effect.gen(function* () {
      const core = yield* startWithAcme()
      yield* publishNumbers(core, 0, 100)
      yield* core.publish(slug, "events.poller.health", encode("{"))
      yield* core.awaitStored(slug, 100)
      // As a wrong decoder would have left them.
      yield* core.query("update tenant_acme.ocsf_events set message = 'wrong', severity_id = 9")
      yield* core.query("delete from tenant_acme.ocsf_events where stream_seq % 3 = 0")
      yield* core.query("create role reader")
      yield* core.query("grant select on tenant_acme.ocsf_events to reader")
      const kept = yield* core.query("select 1 from tenant_acme.ocsf_events where stream_seq < 50")
      const { id } = yield* core.api.replays.request({ params, payload: { from: { sequence: 50 } } })
      const done = yield* awaitEnd(core, id)
      assert.deepInclude(done, { status: "done", fromSequence: 50, rowsCopied: kept.length })
      yield* publishNumbers(core, 100, 110)
      const wrong = yield* core.query<{ sequence: number; message: string }>(
        "select stream_seq::int as sequence, message from tenant_acme.ocsf_events where message = 'wrong'"
      )
      assert.isTrue(wrong.every(({ sequence }) => sequence < 50))
      assert.lengthOf(wrong, kept.length)
      yield* waitUntil(
        "every message from 50 on has its row, and those published since too",
        Effect.map(
          core.query("select distinct stream_seq from tenant_acme.ocsf_events where stream_seq >= 50"),
          // Two messages are about the tenant itself, one is a dead letter.
          (rows) => rows.length === 113 - 50 + 1 - 1
        )
      )
      const double = yield* core.query(
        "select stream_seq from tenant_acme.ocsf_events group by stream_seq having count(*) > 1"
      )
      assert.lengthOf(double, 0)
      const letters = yield* core.api.deadLetters.list({ params, query: { limit: 10 } })
      assert.deepStrictEqual(letters.counts, { malformed_json: 1 })
      const granted = yield* core.query(
        "select 1 from information_schema.role_table_grants where grantee = 'reader' and table_name = 'ocsf_events'"
      )
      assert.lengthOf(granted, 1)
      yield* noReplaySchema(core)
      const health = yield* core.api.health.get({ params })
      assert.deepInclude(health, { status: "active", restarts: 0 })
    })
  )

  it.live("goes on under load without stopping ingestion, and ends with every event once", () =>
    Effect.gen(function* () {
      const core = yield* startWithAcme({ CORE_BATCH_ROWS_MAX: "50", CORE_BATCH_AGE_MS: "10" })
      yield* publishNumbers(core, 0, 1_000)
      yield* core.awaitStored(slug, 1_000)
      yield* core.query("update tenant_acme.ocsf_events set message = 'wrong'")
      const load = yield* Effect.forkChild(publishNumbers(core, 1_000, 4_000))
      const counts: Array<number> = []
      const counting = yield* Effect.forkChild(
        Effect.forever(
          Effect.andThen(
            Effect.map(core.stored(slug), (rows) => counts.push(rows.length)),
            Effect.yieldNow
          )
        )
      )
      const { id } = yield* core.api.replays.request({ params, payload: { from: { sequence: 1 } } })
      const done = yield* awaitEnd(core, id)
      assert.strictEqual(done.status, "done", done.error)
      yield* Fiber.join(load)
      const rows = yield* audit(core, 4_000)
      yield* Fiber.interrupt(counting)
      // No reader ever saw fewer rows than before.
      assert.deepStrictEqual(
        counts,
        [...counts].sort((a, b) => a - b)
      )
      assert.isTrue(rows.every(({ number, message }) => message === `event ${number} of acme`))
      assert.deepInclude(yield* core.api.health.get({ params }), { status: "active", restarts: 0 })
      yield* noReplaySchema(core)
    })
  )
})

describe("a replay that is cancelled", () => {
  it.live("leaves the tables as they were and the lane running, and the next one works", () =>
    Effect.gen(function* () {
      const core = yield* startWithAcme()
      yield* publishNumbers(core, 0, 50)
      yield* core.awaitStored(slug, 50)
      yield* core.query("update tenant_acme.ocsf_events set message = 'wrong'")
      // A reader holds the table, so that the replay cannot be done.
      const path = "/v1/tenants/acme/replays"
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* core.holdTable("tenant_acme.ocsf_events")
          const { body } = yield* ask(core.url, "POST", path, { from: { sequence: 1 } })
          assert.deepInclude(body, { id: 1, fromSequence: 1 })
          assertProblem(yield* ask(core.url, "POST", path, { from: { sequence: 2 } }), 409, /Replay 1 .*cancel it/)
          yield* waitUntil(
            "messages are decoded again",
            Effect.map(core.api.replays.get({ params: { slug, id: 1 } }), ({ rows }) => rows > 0)
          )
          assert.deepInclude((yield* ask(core.url, "DELETE", `${path}/1`)).body, { status: "cancelled" })
          assert.deepInclude((yield* ask(core.url, "DELETE", `${path}/1`)).body, { status: "cancelled" })
        })
      )
      yield* publishNumbers(core, 50, 60)
      yield* core.awaitStored(slug, 60)
      const wrong = core.query("select 1 from tenant_acme.ocsf_events where message = 'wrong' and unmapped ? 'number'")
      assert.lengthOf(yield* wrong, 50)
      yield* noReplaySchema(core)
      const { id } = yield* core.api.replays.request({ params, payload: { from: { sequence: 1 } } })
      assert.deepInclude(yield* awaitEnd(core, id), { status: "done", id: 2 })
      yield* audit(core, 60)
      assert.lengthOf(yield* wrong, 0)
      assert.deepInclude(yield* core.api.health.get({ params }), { status: "active", restarts: 0 })
    })
  )
})

describe("a replay whose messages the stream removes before they were read", () => {
  it.live("fails and says so, and leaves the tables as they were", () =>
    Effect.gen(function* () {
      const core = yield* startWithAcme()
      yield* publishNumbers(core, 0, 50)
      yield* core.awaitStored(slug, 50)
      const first = yield* core.api.replays.request({ params, payload: { from: { sequence: 40 } } })
      yield* awaitEnd(core, first.id)
      const before = yield* core.stored(slug)
      // As if it had been asked for before the messages expired.
      yield* core.query("insert into tenant_acme.replays (lane, from_seq) select lane, 10 from tenant_acme.watermarks")
      yield* purgeTo(core, 30)
      yield* core.query(
        "insert into bulkhead.replay_calls select id from bulkhead.tenants where slug = 'acme' on conflict do nothing"
      )
      const failed = yield* awaitEnd(core, first.id + 1)
      assert.deepInclude(failed, { status: "failed" })
      assert.match(failed.error ?? "", /removed messages up to sequence 29 before they were replayed.*ask for a new/)
      assert.deepStrictEqual(yield* core.stored(slug), before)
      yield* noReplaySchema(core)
      const path = "/v1/tenants/acme/replays"
      const post = (from: unknown) => ask(core.url, "POST", path, { from })
      assertProblem(
        yield* post({ sequence: 5 }),
        409,
        /no longer holds the message 5; its oldest message is 30, received at/
      )
      assertProblem(yield* post({ time: "2026-01-01T00:00:00Z" }), 409, /no longer holds everything since 2026-01-01/)
      const { id } = yield* core.api.replays.request({ params, payload: { from: { sequence: 30 } } })
      assert.deepInclude(yield* awaitEnd(core, id), { status: "done" })
      yield* audit(core, 50)
    })
  )
})

describe("the replays API", () => {
  it.live("refuses what cannot be, each time with the value, the limit and the next step", () =>
    Effect.gen(function* () {
      const core = yield* startWithAcme()
      yield* publishNumbers(core, 0, 20)
      yield* core.awaitStored(slug, 20)
      const path = "/v1/tenants/acme/replays"
      const post = (from: unknown) => ask(core.url, "POST", path, { from })
      assertProblem(yield* post({ sequence: 0 }), 400, /sequence/)
      assertProblem(yield* post({ sequence: 1.5 }), 400, /sequence/)
      assertProblem(yield* post({ time: "yesterday" }), 400, /time/)
      assertProblem(yield* post({}), 400, /sequence|time/)
      assertProblem(yield* post({ sequence: 999 }), 409, /cannot be replayed from sequence 999.*from 1 to 2\d; choose/)
      const future = new Date(Date.now() + 3_600_000).toISOString()
      assertProblem(yield* post({ time: future }), 409, /has received nothing since .*oldest message is 1/)
      assertProblem(
        yield* ask(core.url, "POST", "/v1/tenants/nobody/replays", { from: { sequence: 1 } }),
        404,
        /nobody/
      )
      assertProblem(yield* ask(core.url, "GET", `${path}/7`), 404, /no replay 7.*List them/)
      assertProblem(yield* ask(core.url, "DELETE", `${path}/7`), 404, /no replay 7/)
      assert.deepStrictEqual((yield* ask(core.url, "GET", path)).body, [] as never)
    })
  )
})
