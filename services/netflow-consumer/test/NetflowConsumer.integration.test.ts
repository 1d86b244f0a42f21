/** netflow-consumer as it is deployed: flows of several tenants, in every prefix mode, into their own tables. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { FlowDecoder } from "@bulkhead/flows"
import { writeGeoDatabase } from "@bulkhead/flows/testing"
import { letterDecoder, retryDeadLetters } from "@bulkhead/pipeline"
import { assert, layer } from "@effect/vitest"
import { ConfigProvider, Context, Effect, Layer } from "effect"
import { flow, startWorld } from "./harness.ts"

const geoDatabase = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "bulkhead-netflow-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  ),
  (folder) => {
    const file = join(folder, "country.mmdb")
    writeGeoDatabase(file, "GeoLite2-Country", { "192.0.2.0/24": { country: { iso_code: "GB" } } })
    return file
  }
)

const startAll = Effect.gen(function* () {
  const world = yield* startWorld
  return { ...world, consumer: yield* world.startConsumer({ FLOWS_COUNTRY_FILE: yield* geoDatabase }) }
})

class World extends Context.Service<World, Effect.Success<typeof startAll>>()("test/World") {
  static readonly layer = Layer.effect(World, startAll)
}

layer(World.layer, { excludeTestServices: true, timeout: "60 seconds" })("netflow-consumer", (it) => {
  it.effect("writes each tenant's flows, enriched and once, and sums them by minute and hour", () =>
    Effect.gen(function* () {
      const world = yield* World
      yield* world.addTenantWithStream("acme")
      yield* world.addTenantWithStream("globex")
      const at = (timestamp: string) => ({ timestamp })
      yield* world.publish("acme.netflow.flows", flow(1, at("2026-11-01T10:00:10Z")))
      yield* world.publish("acme.flows.raw.netflow", flow(2, at("2026-11-01T10:00:59.999Z")))
      yield* world.publish("acme.flows.raw.sflow", flow(4, at("2026-11-01T10:01:00Z")))
      yield* world.publish("acme.events.netflow", flow(8, { ...at("2026-11-01T11:00:00Z"), src_addr: "192.0.2.9" }))
      yield* world.publish("globex.netflow.flows", flow(16))
      yield* world.awaitFlows("acme", 4)
      yield* world.awaitFlows("globex", 1)
      assert.deepStrictEqual(yield* world.flowsOf("acme"), [1, 2, 4, 8])
      assert.deepStrictEqual(yield* world.flowsOf("globex"), [16])
      const [enriched] = yield* world.query(
        `select octets_scaled::int4 as octets, flow_direction, service, dst_country from tenant_acme.netflow_metrics
         where packets = 2`
      )
      assert.deepStrictEqual(enriched, {
        octets: 2_000,
        flow_direction: "outbound",
        service: "https",
        dst_country: "GB"
      })
      const [activity] = yield* world.query(
        `select count(*)::int4 as count, sum(bytes_total)::int4 as bytes from tenant_acme.ocsf_network_activity
         where class_uid = 4001 and activity_id = 6`
      )
      assert.deepStrictEqual(activity, { count: 4, bytes: 15_000 })
      const sums = (table: string) =>
        world.query(
          `select to_char(bucket at time zone 'UTC', 'HH24:MI') as at, flow_direction as direction, flows::int4 as flows,
             packets::int4 as packets, octets::int4 as octets
           from tenant_acme.${table} where service = 'https' and dst_country = 'GB' order by bucket, flow_direction`
        )
      assert.deepStrictEqual(yield* sums("netflow_minutes"), [
        { at: "10:00", direction: "outbound", flows: 2, packets: 30, octets: 3_000 },
        { at: "10:01", direction: "outbound", flows: 1, packets: 40, octets: 4_000 },
        { at: "11:00", direction: null, flows: 1, packets: 80, octets: 8_000 }
      ])
      assert.deepStrictEqual(yield* sums("netflow_hours"), [
        { at: "10:00", direction: "outbound", flows: 3, packets: 70, octets: 7_000 },
        { at: "11:00", direction: null, flows: 1, packets: 80, octets: 8_000 }
      ])
    })
  )

  it.effect("takes unprefixed and prefixed flows of one stream, also of tenants that come while it runs", () =>
    Effect.gen(function* () {
      const world = yield* World
      yield* world.addTenantWithStream("default", "both")
      yield* world.addTenantWithStream("late")
      yield* world.publish("netflow.flows", flow(1))
      yield* world.publish("default.netflow.flows", flow(2))
      yield* world.publish("flows.raw.netflow", flow(3))
      yield* world.publish("events.netflow", flow(4))
      yield* world.publish("late.flows.raw.sflow", flow(5))
      yield* world.awaitFlows("default", 4)
      yield* world.awaitFlows("late", 1)
      assert.deepStrictEqual(yield* world.flowsOf("default"), [1, 2, 3, 4])
      assert.match(yield* world.consumer.readiness, /"lanes":"ok"/)
      const metrics = yield* world.consumer.metrics
      // Two tables.
      assert.match(metrics, /^bulkhead_lane_rows_total\{tenant="default"\} 8$/m)
      assert.match(metrics, /^bulkhead_lane_lag_messages\{tenant="default"\} 0$/m)
    })
  )

  it.effect("keeps what is no flow as a dead letter, which core tries again with the same decoder and sums", () =>
    Effect.gen(function* () {
      const world = yield* World
      yield* world.addTenantWithStream("poison")
      yield* world.publish("poison.netflow.flows", flow(1))
      yield* world.publish("poison.flows.raw.netflow", Uint8Array.of(0xff, 0xff))
      yield* world.publish("poison.netflow.flows", '{"src_addr":')
      yield* world.publish("poison.netflow.flows", flow(2))
      yield* world.awaitFlows("poison", 2)
      assert.deepStrictEqual(yield* world.counts("poison"), { invalid_field: 1, malformed_json: 1 })
      // As if the payload had been corrected.
      yield* world.query(`update tenant_poison.dead_letters set payload = '${flow(3)}' where reason = 'malformed_json'`)
      const decoder = FlowDecoder.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({}))))
      const { outcomes } = yield* Effect.flatMap(FlowDecoder, (flows) =>
        retryDeadLetters("poison" as TenantSlug, { filter: {}, limit: 10 }, letterDecoder(flows))
      ).pipe(Effect.provide(decoder), Effect.provideContext(world.services))
      assert.deepStrictEqual(outcomes.map(({ outcome }) => outcome).sort(), ["kept", "stored"])
      assert.deepStrictEqual((yield* world.flowsOf("poison")).sort(), [1, 2, 3])
      const [sums] = yield* world.query("select sum(flows)::int4 as flows from tenant_poison.netflow_minutes")
      assert.deepStrictEqual(sums, { flows: 3 })
    })
  )

  it.effect("has a watermark of its own beside that of the records in the same stream", () =>
    Effect.gen(function* () {
      const world = yield* World
      yield* waitUntil(
        "the lanes of acme",
        Effect.map(world.lanes("acme"), (lanes) => lanes.length > 0)
      )
      const lanes = yield* world.lanes("acme")
      assert.deepStrictEqual(
        lanes.map(({ lane, rows }) => [lane.replace(/@.*/, ""), rows]),
        [["netflow-consumer/events-acme", 8]]
      )
    })
  )
})
