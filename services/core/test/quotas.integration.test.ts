import type { TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { jetstream, jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect } from "effect"
import { API_TOKEN, startCore } from "../testing/coreHarness.ts"
import { ocsfEvent } from "../testing/events.ts"

type Core = Effect.Success<ReturnType<typeof startCore>>

const params = { slug: "acme" }
const create = (core: Core, slug: string) =>
  core.api.tenants.create({ payload: { slug: slug as TenantSlug, name: slug, plan: "free" } })
const healthOf = (core: Core, slug: string) => core.api.health.get({ params: { slug } })
const change = (core: Core, payload: Parameters<Core["api"]["tenants"]["change"]>[0]["payload"]) =>
  core.api.tenants.change({ params, payload })

/** Reads a metric, named with its labels, from what Prometheus would get. */
const metricsOf = (core: Core) =>
  Effect.map(core.metrics, (text) => {
    const lines = new Map(text.split("\n").map((line) => [line.replace(/ \S+$/, ""), line.replace(/^.* /, "")]))
    return (name: string) => Number(lines.get(name)?.replace("+Inf", "Infinity"))
  })

const connection = (core: Core) =>
  Effect.acquireRelease(
    Effect.promise(() => connect({ servers: core.nats.url })),
    (open) => Effect.promise(() => open.close())
  )

/** Publishes events [from, to) of a tenant in order, many in flight. */
const flood = (core: Core, tenant: string, from: number, to: number) =>
  Effect.gen(function* () {
    const client = jetstream(yield* connection(core))
    const acks: Array<Promise<unknown>> = []
    for (let number = from; number < to; number += 1) {
      acks.push(client.publish(`${tenant}.events.poller.health`, ocsfEvent(tenant, number)))
      if (acks.length % 500 === 0) yield* Effect.promise(() => Promise.all(acks))
    }
    yield* Effect.promise(() => Promise.all(acks))
  }).pipe(Effect.scoped)

const inOrder = (owner: string, count: number) => Array.from({ length: count }, (_, number) => ({ owner, number }))

const awaitHold = (core: Core, kind: "rate" | "storage" | undefined) =>
  waitUntil(
    `acme is held by ${kind}`,
    Effect.map(healthOf(core, "acme"), ({ heldBy }) => heldBy === kind),
    "30 seconds"
  )

describe("a tenant over its rate quota", () => {
  it.live(
    "is throttled visibly; others are not, and all it sent is stored in order in the end",
    () =>
      Effect.gen(function* () {
        const core = yield* startCore()
        yield* create(core, "acme")
        yield* create(core, "globex")
        yield* change(core, { limits: { eventsPerSecond: 200, burstSeconds: 1 } })
        yield* flood(core, "acme", 0, 1_200)
        yield* awaitHold(core, "rate")
        const held = yield* healthOf(core, "acme")
        assert.strictEqual(held.status, "active")
        assert.match(held.reason ?? "", /quota of 200 events\/s/)
        assert.isAbove(held.lagMessages, 200)
        yield* flood(core, "globex", 0, 500)
        yield* core.awaitStored("globex", 500)
        assert.isBelow((yield* core.stored("acme")).length, 1_200, "acme is written while globex is")
        yield* core.awaitStored("acme", 1_200)
        assert.deepStrictEqual(yield* core.stored("acme"), inOrder("acme", 1_200))
        const value = yield* metricsOf(core)
        assert.isAbove(value('bulkhead_tenant_throttled_seconds_total{tenant="acme"}'), 3)
        assert.strictEqual(value('bulkhead_tenant_held{tenant="acme",by="rate"}'), 1)
        assert.isNaN(value('bulkhead_tenant_held{tenant="globex",by="rate"}'))
        assert.isNaN(value('bulkhead_tenant_throttled_seconds_total{tenant="globex"}'))
        assert.strictEqual(value('bulkhead_tenant_events_per_second_limit{tenant="acme"}'), 200)
        assert.strictEqual(value('bulkhead_tenant_events_per_second_limit{tenant="globex"}'), 1_000)
        assert.isAtLeast(value('bulkhead_tenant_events_total{tenant="acme"}'), 1_200)
        yield* awaitHold(core, undefined)
      }),
    60_000
  )

  it.live("is written as fast as a new plan allows as soon as it has it, at its place", () =>
    Effect.gen(function* () {
      const core = yield* startCore()
      yield* create(core, "acme")
      yield* change(core, { limits: { eventsPerSecond: 0 } })
      yield* flood(core, "acme", 0, 3_000)
      yield* awaitHold(core, "rate")
      assert.lengthOf(yield* core.stored("acme"), 0)
      const asked = performance.now()
      yield* change(core, { plan: "enterprise", limits: { eventsPerSecond: null } })
      yield* core.awaitStored("acme", 3_000)
      assert.isBelow(performance.now() - asked, 10_000)
      assert.deepStrictEqual(yield* core.stored("acme"), inOrder("acme", 3_000))
      assert.isUndefined((yield* healthOf(core, "acme")).heldBy)
    })
  )
})

describe("a tenant over its storage quota", () => {
  it.live("is paused with the figures and the next step, and goes on by itself with more room", () =>
    Effect.gen(function* () {
      const core = yield* startCore({ CORE_QUOTA_MEASURE_MS: "200" })
      yield* create(core, "acme")
      yield* create(core, "globex")
      yield* change(core, { limits: { databaseBytes: 1_000_000 } })
      yield* flood(core, "acme", 0, 2_000)
      yield* awaitHold(core, "storage")
      yield* flood(core, "acme", 2_000, 2_100)
      const paused = yield* healthOf(core, "acme")
      assert.strictEqual(paused.status, "degraded")
      assert.match(
        paused.reason ?? "",
        /schema has \d{7} bytes, and its limit databaseBytes is 1000000.*Raise the limit/
      )
      assert.isAbove(paused.lagMessages, 0)
      yield* flood(core, "globex", 0, 100)
      yield* core.awaitStored("globex", 100)
      assert.isBelow((yield* core.stored("acme")).length, 2_100)
      yield* change(core, { limits: { databaseBytes: "unlimited" } })
      yield* core.awaitStored("acme", 2_100)
      assert.deepStrictEqual(yield* core.stored("acme"), inOrder("acme", 2_100))
      yield* awaitHold(core, undefined)
      // A lane that has just started with other limits may not have been measured yet.
      yield* waitUntil(
        "the schema is measured",
        Effect.map(metricsOf(core), (value) => value('bulkhead_tenant_database_bytes{tenant="acme"}') > 1_000_000)
      )
      const value = yield* metricsOf(core)
      assert.strictEqual(value('bulkhead_tenant_database_bytes_limit{tenant="acme"}'), Number.POSITIVE_INFINITY)
    })
  )

  it.live("goes on by itself when rows are gone", () =>
    Effect.gen(function* () {
      const core = yield* startCore({ CORE_QUOTA_MEASURE_MS: "200" })
      yield* create(core, "acme")
      yield* change(core, { limits: { databaseBytes: 1_000_000 } })
      yield* flood(core, "acme", 0, 2_000)
      yield* awaitHold(core, "storage")
      yield* flood(core, "acme", 2_000, 2_010)
      yield* core.query("truncate tenant_acme.ocsf_events")
      yield* waitUntil(
        "the last event",
        Effect.map(core.stored("acme"), (rows) => rows.at(-1)?.number === 2_009)
      )
      yield* awaitHold(core, undefined)
    })
  )
})

describe("a tenant whose stream is full", () => {
  it.live("has its publishers refused by the server, and is stored in full up to there", () =>
    Effect.gen(function* () {
      const core = yield* startCore()
      yield* create(core, "acme")
      yield* change(core, { limits: { eventsPerSecond: 0, streamBytes: 100_000 } })
      const open = yield* connection(core)
      const client = jetstream(open)
      let accepted = 0
      const publish = () => client.publish("acme.events.poller.health", ocsfEvent("acme", accepted))
      const refusal = yield* Effect.tryPromise({
        try: async () => {
          for (; accepted < 5_000; accepted += 1) await publish()
        },
        catch: (error) => String(error)
      }).pipe(Effect.flip)
      assert.match(refusal, /maximum bytes exceeded/)
      assert.isAbove(accepted, 100)
      yield* change(core, { limits: { eventsPerSecond: null, streamBytes: null } })
      // The live stream has the plan's size again.
      const manager = yield* Effect.promise(() => jetstreamManager(open))
      const info = yield* Effect.promise(() => manager.streams.info("events-acme"))
      assert.strictEqual(info.config.max_bytes, 256 * 1024 * 1024)
      yield* Effect.promise(publish)
      yield* core.awaitStored("acme", accepted + 1)
      assert.deepStrictEqual(yield* core.stored("acme"), inOrder("acme", accepted + 1))
    })
  )
})

describe("limits of a tenant's own", () => {
  it.live("tell 0, null and absent apart, and are the plan's where they are not set", () =>
    Effect.gen(function* () {
      const core = yield* startCore()
      yield* create(core, "acme")
      assert.deepStrictEqual(
        (yield* change(core, { limits: { eventsPerSecond: 0, databaseBytes: "unlimited" } })).limits,
        {
          eventsPerSecond: 0,
          databaseBytes: "unlimited"
        }
      )
      yield* change(core, { limits: { databaseBytes: 5 } })
      assert.deepInclude(yield* core.api.tenants.limits({ params }), { eventsPerSecond: 0, databaseBytes: 5 })
      const back = yield* change(core, { limits: { eventsPerSecond: null } })
      assert.deepStrictEqual(back.limits, { databaseBytes: 5 })
      assert.deepInclude(yield* core.api.tenants.limits({ params }), { eventsPerSecond: 1_000, databaseBytes: 5 })
      const { generation } = yield* change(core, { limits: { databaseBytes: 5 } })
      assert.strictEqual(generation, back.generation, "what is so already is no change")
    })
  )

  it.live("are refused with value and limit where they are none", () =>
    Effect.gen(function* () {
      const core = yield* startCore({ CORE_STREAM_BYTES_MAX: "1000000" })
      yield* create(core, "acme")
      const patch = (body: unknown) =>
        Effect.promise(async () => {
          const headers = { authorization: `Bearer ${API_TOKEN}`, "content-type": "application/json" }
          const init = { method: "PATCH", headers, body: JSON.stringify(body) }
          const response = await fetch(`${core.url}/v1/tenants/acme`, init)
          return `${response.status} ${await response.text()}`
        })
      const refused: ReadonlyArray<readonly [limits: unknown, answer: RegExp]> = [
        [{ eventsPerSecond: -1 }, /eventsPerSecond -1 is refused: expected a value between 0 and/],
        [{ eventsPerSecond: 1.5 }, /eventsPerSecond 1\.5 is refused: expected an integer/],
        [{ eventsPerSecond: "lots" }, /eventsPerSecond \\"lots\\" is refused: expected .*unlimited/],
        [{ eventPerSecond: 5 }, /eventPerSecond\\" is no limit; the limits are connections, /],
        [{ commitWeight: 0 }, /commitWeight 0 is refused: expected a value between 1 and 1000/],
        [{ streamBytes: 0 }, /streamBytes 0 is refused: expected a value greater than 0/],
        [{ streamBytes: 2_000_000 }, /streamBytes 2000000 is over this installation's 1000000 bytes/]
      ]
      for (const [limits, answer] of refused) {
        const text = yield* patch({ limits })
        assert.match(text, /^422 .*Nothing was changed/)
        assert.match(text, answer)
      }
      assert.deepStrictEqual((yield* core.api.tenants.get({ params })).limits, {})
    })
  )
})
