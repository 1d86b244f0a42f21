import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { compareStreams, Nats } from "@bulkhead/nats"
import { assert, describe, it } from "@effect/vitest"
import { AckPolicy, jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect, Stream } from "effect"
import { startCore } from "../testing/coreHarness.ts"
import { ocsfEvent } from "../testing/events.ts"
import { ask, assertProblem } from "./ask.ts"

const start = Effect.fnUntraced(function* (environment: Record<string, string> = {}) {
  const core = yield* startCore(environment)
  const connection = yield* Effect.acquireRelease(
    Effect.promise(() => connect({ servers: core.nats.url })),
    (open) => Effect.promise(() => open.close())
  )
  const manager = yield* Effect.promise(() => jetstreamManager(connection))
  const create = (slug: string, plan: "free" | "pro" = "free") =>
    core.api.tenants.create({ payload: { slug: slug as TenantSlug, name: slug, plan } })
  return { ...core, manager, create, nats: core.nats, layer: Nats.layerWith({ servers: [core.nats.url] }) }
})

/** A file of stream settings, as an operator would write it. */
const settingsFile = (text: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const folder = mkdtempSync(join(tmpdir(), "bulkhead-settings-"))
      const file = join(folder, "streams.json")
      writeFileSync(file, text)
      return { folder, file }
    }),
    ({ folder }) => Effect.sync(() => rmSync(folder, { recursive: true }))
  ).pipe(Effect.map(({ file }) => file))

const HOUR_MS = 3_600_000

describe("the plan of an installation", () => {
  for (const layout of ["per-tenant", "shared"] as const) {
    it.live(`is what core makes by itself, in layout ${layout}`, () =>
      Effect.gen(function* () {
        const core = yield* start({ CORE_LAYOUT: layout, NATS_TENANT_PREFIX_MODE: "both" })
        yield* core.create("acme")
        yield* waitUntil(
          "everything is there",
          Effect.map(core.api.health.list(), (all) => all.every(({ status }) => status === "active"))
        )
        const plan = yield* core.api.streams.plan({ query: {} })
        assert.deepInclude(plan, { layout, mode: "both", tenants: ["acme", "default"] as never })
        yield* waitUntil(
          "nothing is left to change",
          Effect.map(compareStreams(plan), ({ changes }) => changes.length === 0)
        ).pipe(Effect.provide(core.layer))
        const { problems } = yield* Effect.provide(compareStreams(plan), core.layer)
        assert.deepStrictEqual(problems, [])
      })
    )
  }

  it.live("follows the tenants' plans and the settings file, and so do the streams that core makes", () =>
    Effect.gen(function* () {
      const file = yield* settingsFile(
        JSON.stringify({
          default: { duplicateWindowMs: HOUR_MS },
          plans: { free: { maxAgeMs: HOUR_MS } },
          readers: [{ name: "zen", patterns: ["logs.syslog"], ownStreams: true, sharedStream: "one", madeBy: "plan" }]
        })
      )
      const core = yield* start({ CORE_STREAM_SETTINGS_FILE: file })
      yield* core.create("acme")
      yield* core.create("globex", "pro")
      const config = (stream: string) => Effect.promise(async () => (await core.manager.streams.info(stream)).config)
      const week = 7 * 24 * HOUR_MS
      assert.deepInclude(yield* config("events-acme"), { max_age: HOUR_MS * 1e6, max_bytes: 268_435_456 })
      assert.deepInclude(yield* config("events-globex"), { max_age: week * 1e6, max_bytes: 1_073_741_824 })
      assert.strictEqual((yield* config("events-globex")).duplicate_window, HOUR_MS * 1e6)
      const isAsPlanned = Effect.map(core.api.streams.compare({ query: {} }), ({ changes }) => changes.length === 0)
      yield* waitUntil("core has made the consumers of the plan as well", isAsPlanned)
      yield* Effect.promise(() => core.manager.consumers.delete("events-acme", "zen"))
      const events = yield* Stream.runCollect(yield* core.api.streams.apply({ payload: {} }))
      assert.deepStrictEqual(events, [
        { event: "made", kind: "create-consumer", stream: "events-acme", consumer: "zen", made: 1, wanted: 1 },
        { event: "done", made: 1 }
      ])
      const [zen] = yield* Effect.map(core.api.streams.lag({ query: { tenant: "acme" } }), (lags) =>
        lags.filter(({ consumer }) => consumer === "zen")
      )
      assert.deepInclude(zen, { reader: "zen", tenant: "acme" as TenantSlug, pending: 0 })
    })
  )

  it.live("says what another layout and mode would be", () =>
    Effect.gen(function* () {
      const core = yield* start()
      const plan = yield* core.api.streams.plan({ query: { layout: "shared", mode: "legacy" } })
      assert.deepInclude(plan, { layout: "shared", mode: "legacy" })
      assert.include(plan.streams.find(({ name }) => name === "events")?.subjects ?? [], "events.>")
      assertProblem(yield* ask(core.url, "GET", "/v1/streams/plan?layout=none"), 400, /layout/)
    })
  )

  it.live("is applied only as it was shown, and without what may be lost and is not allowed", () =>
    Effect.gen(function* () {
      const core = yield* start()
      yield* core.create("acme")
      const { fingerprint: shown } = yield* core.api.streams.compare({ query: {} })
      yield* Effect.promise(() => core.manager.streams.add({ name: "events-oldco", subjects: ["oldco.>"] }))
      const apply = (body: object) => ask(core.url, "POST", "/v1/streams/apply", body)
      assertProblem(yield* apply({ shown }), 409, /not as it was when the changes were shown.*changes-refused/)
      assertProblem(yield* apply({}), 409, /stream-deleted of \\"events-oldco\\"/)
      assertProblem(yield* apply({ allow: [{ risk: "everything" }] }), 400, /risk/)
      assertProblem(yield* apply({ tenant: "nobody" }), 404, /no tenant/)
      const made = (payload: Parameters<typeof core.api.streams.apply>[0]["payload"]) =>
        Effect.flatMap(core.api.streams.apply({ payload }), Stream.runCollect)
      assert.deepStrictEqual(yield* made({ tenant: "acme" }), [{ event: "done", made: 0 }])
      const allow = [{ risk: "stream-deleted", stream: "events-oldco" }] as const
      assert.deepStrictEqual((yield* made({ allow })).at(-1), { event: "done", made: 1 })
      assert.deepStrictEqual((yield* core.api.streams.compare({ query: {} })).changes, [])
    })
  )
})

describe("the lag of readers", () => {
  it.live("is told of core's own and of others, by tenant, in messages and in seconds, in metrics as well", () =>
    Effect.gen(function* () {
      const core = yield* start({ CORE_LAG_MS: "200" })
      yield* core.create("acme")
      yield* Effect.promise(() =>
        core.manager.consumers.add("events-acme", { durable_name: "exporter", ack_policy: AckPolicy.Explicit })
      )
      for (let number = 0; number < 3; number += 1) yield* core.publish("acme", "events.x", ocsfEvent("acme", number))
      yield* core.awaitStored("acme", 3)
      const lags = core.api.streams.lag({ query: { tenant: "acme" } })
      yield* waitUntil(
        "core's own lane is done",
        Effect.map(lags, (all) =>
          all.some(({ reader, pending, ackPending }) => reader === "event-writer" && pending + ackPending === 0)
        )
      )
      const exporter = (yield* lags).find(({ consumer }) => consumer === "exporter")
      assert.isAtLeast(exporter?.pending ?? 0, 3)
      assert.isAtLeast(exporter?.lagMs ?? -1, 0)
      assert.deepInclude(exporter, { stream: "events-acme", tenant: "acme" as TenantSlug, deliveredThrough: 0 })
      assert.notProperty(exporter, "reader")
      yield* waitUntil(
        "metrics tell of both",
        Effect.map(core.metrics, (text) => {
          const figure = (line: string) =>
            Number(
              text
                .split("\n")
                .find((one) => one.startsWith(line))
                ?.split(" ")
                .at(-1)
            )
          return (
            figure('bulkhead_reader_lag_messages{tenant="acme",reader="_other"}') >= 3 &&
            figure('bulkhead_reader_lag_seconds{tenant="acme",reader="_other"}') > 0 &&
            figure('bulkhead_reader_lag_messages{tenant="acme",reader="event-writer"}') === 0
          )
        })
      )
      const all = yield* core.api.streams.lag({ query: {} })
      assert.includeMembers(
        all.map(({ stream, consumer }) => `${stream} ${consumer}`),
        ["events-acme event-writer", "events-acme exporter", "events-default event-writer"]
      )
      assertProblem(yield* ask(core.url, "GET", "/v1/streams/lag?tenant=nobody"), 404, /no tenant \\"nobody\\"/)
    })
  )

  it.live("is told in the shared stream too, whose consumers come and go with their tenants", () =>
    Effect.gen(function* () {
      const exporter = {
        name: "exporter",
        patterns: ["logs.>"],
        ownStreams: true,
        sharedStream: "each",
        madeBy: "plan"
      }
      const file = yield* settingsFile(JSON.stringify({ readers: [exporter] }))
      const core = yield* start({ CORE_LAYOUT: "shared", CORE_STREAM_SETTINGS_FILE: file })
      yield* core.create("acme")
      yield* core.create("globex")
      const consumersOf = (tenant: string) =>
        Effect.map(core.api.streams.lag({ query: { tenant } }), (lags) =>
          lags.map(({ reader, consumer, tenant }) => [reader, consumer, tenant].join(" "))
        )
      assert.deepStrictEqual(yield* consumersOf("acme"), [
        "event-writer event-writer-acme acme",
        "exporter exporter-acme acme"
      ])
      yield* core.api.tenants.delete({ params: { slug: "acme" } })
      yield* waitUntil(
        "the tenant's consumers are gone with it, and nothing is left to change",
        Effect.map(core.api.streams.compare({ query: {} }), ({ changes }) => changes.length === 0)
      )
      assert.include(yield* consumersOf("globex"), "exporter exporter-globex globex")
    })
  )
})
