import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { NetflowMetricRow, NetworkActivityRow, RecordTable } from "@bulkhead/records"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer } from "effect"
import { FlowDecoder } from "../src/index.ts"
import { writeGeoDatabase } from "../testing/writeGeoDatabase.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "bulkhead-flows-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

const openDecoder = (settings: Record<string, string>) =>
  Layer.build(FlowDecoder.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(settings))))).pipe(
    Effect.flatMap((context) => FlowDecoder.pipe(Effect.provideContext(context)))
  )

/** The rows of one flow by table. */
const enriched = Effect.fnUntraced(function* (flow: object, settings: Record<string, string> = {}) {
  const decode = yield* openDecoder(settings)
  const rows = new Map<string, object>()
  const data = Buffer.from(JSON.stringify(flow))
  const error = decode(
    { subject: "netflow.flows", headers: {}, data, timestamp: new Date("2026-02-01T00:00:00Z") },
    { add: (table: RecordTable<never>, row: object) => void rows.set(table.name, row) }
  )
  if (error !== undefined) throw error
  return {
    metrics: rows.get("netflow_metrics") as NetflowMetricRow,
    activity: rows.get("ocsf_network_activity") as NetworkActivityRow | undefined
  }
})

const flow = {
  src_addr: "10.1.2.3",
  dst_addr: "81.2.69.160",
  src_port: 51_234,
  dst_port: 443,
  protocol: 6,
  packets: 3,
  bytes: 4_000,
  sampling_rate: 100
}

const writeDatabases = Effect.gen(function* () {
  const path = yield* folder
  const [countries, systems] = [join(path, "country.mmdb"), join(path, "asn.mmdb")]
  writeGeoDatabase(countries, "GeoLite2-Country", {
    "81.2.69.0/24": { country: { iso_code: "GB" } },
    "89.160.20.112/28": { country: { iso_code: "SE" } }
  })
  writeGeoDatabase(systems, "GeoLite2-ASN", {
    "81.2.69.128/25": { autonomous_system_number: 20_712, autonomous_system_organization: "Andrews & Arnold Ltd" }
  })
  return { FLOWS_COUNTRY_FILE: countries, FLOWS_ASN_FILE: systems }
})

describe("FlowDecoder", () => {
  it.live("corrects counts for sampling, and keeps those that were sent", () =>
    Effect.gen(function* () {
      const { metrics, activity } = yield* enriched(flow)
      assert.deepInclude(metrics, {
        packets: 3n,
        octets: 4_000n,
        sampling_rate: 100n,
        packets_scaled: 300n,
        octets_scaled: 400_000n
      })
      assert.deepInclude(activity, { bytes_total: 400_000n, packets_total: 300n, sampling_rate: 100n, class_uid: 4001 })
      const unsampled = yield* enriched({ ...flow, sampling_rate: 0 })
      assert.deepInclude(unsampled.metrics, { sampling_rate: null, octets_scaled: 4_000n })
    })
  )

  it.live.each([
    ["10.0.0.1", "192.0.2.1", "outbound"],
    ["192.0.2.1", "172.31.255.255", "inbound"],
    ["fd00::1", "fe80::2", "lateral"],
    ["10.0.0.1", "239.1.1.1", "lateral"],
    ["::ffff:10.0.0.1", "2001:db8::1", "outbound"],
    ["192.0.2.1", "2001:db8::1", null],
    ["172.32.0.1", "100.128.0.1", null]
  ])("finds the direction from %s to %s", ([src_addr, dst_addr, flow_direction]) =>
    Effect.gen(function* () {
      const { metrics } = yield* enriched({ ...flow, src_addr, dst_addr })
      assert.strictEqual(metrics.flow_direction, flow_direction)
    })
  )

  it.live("keeps the direction that was sent, and takes a site's public networks for its own", () =>
    Effect.gen(function* () {
      const sent = yield* enriched({ ...flow, flow_direction: "ingress" })
      assert.strictEqual(sent.metrics.flow_direction, "ingress")
      const settings = { FLOWS_LOCAL_NETWORKS: "81.2.69.0/24,2001:db8::/32" }
      const { metrics } = yield* enriched(flow, settings)
      assert.deepInclude(metrics, { flow_direction: "lateral", dst_is_private: true, dst_country: null })
    })
  )

  it.live.each<readonly [number, number, number, string | null, number | null]>([
    [51_234, 443, 6, "https", 443],
    [443, 51_234, 6, "https", 443],
    [53, 53, 17, "domain", 53],
    [8_080, 443, 6, "https", 443],
    [51_234, 61_234, 6, null, null],
    [0, 0, 1, null, null]
  ])("finds the service between the ports %s and %s", ([src_port, dst_port, protocol, service, service_port]) =>
    Effect.gen(function* () {
      const { metrics, activity } = yield* enriched({ ...flow, src_port, dst_port, protocol })
      assert.deepInclude(metrics, { service, service_port })
      const atDestination = service_port === dst_port
      assert.deepInclude(activity, {
        src_endpoint_svc_name: atDestination ? null : service,
        dst_endpoint_svc_name: atDestination ? service : null
      })
    })
  )

  it.live("says country and autonomous system of public addresses where databases are given", () =>
    Effect.gen(function* () {
      const databases = yield* writeDatabases
      const known = yield* enriched({ ...flow, src_addr: "89.160.20.113" }, databases)
      assert.deepInclude(known.metrics, {
        src_country: "SE",
        src_as: null,
        src_as_name: null,
        dst_country: "GB",
        dst_as: 20_712,
        dst_as_name: "Andrews & Arnold Ltd"
      })
      const other = yield* enriched({ ...flow, dst_as: 64_512, dst_addr: "81.2.69.200" }, databases)
      assert.deepInclude(other.metrics, { src_country: null, dst_as: 64_512, dst_as_name: null })
      assert.deepInclude(other.activity, { dst_endpoint_country: "GB", dst_as_number: 64_512 })
    })
  )

  it.live("writes no row of network activity where that is off", () =>
    Effect.gen(function* () {
      const { metrics, activity } = yield* enriched(flow, { FLOWS_NETWORK_ACTIVITY: "false" })
      assert.isDefined(metrics)
      assert.isUndefined(activity)
    })
  )

  it.live("says which setting is wrong", () =>
    Effect.gen(function* () {
      const file = join(yield* folder, "none.mmdb")
      const absent = yield* Effect.flip(openDecoder({ FLOWS_COUNTRY_FILE: file }))
      assert.match(absent.message, /FLOWS_COUNTRY_FILE names ".*none\.mmdb", which cannot be read \(ENOENT.*\): name a/)
      writeFileSync(file, "no database")
      const broken = yield* Effect.flip(openDecoder({ FLOWS_ASN_FILE: file }))
      assert.match(broken.message, /FLOWS_ASN_FILE names/)
      const network = yield* Effect.flip(openDecoder({ FLOWS_LOCAL_NETWORKS: "10.0.0.0" }))
      assert.match(
        network.message,
        /FLOWS_LOCAL_NETWORKS has "10\.0\.0\.0", which is no network: write address and length/
      )
    })
  )
})
