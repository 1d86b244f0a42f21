import { assert, describe, it } from "@effect/vitest"
import { networkActivity, sweepDecoder, timeseriesDecoder, timeseriesMetrics } from "../src/index.ts"
import { received, refused, rowOf, rowsOf } from "./decoding.ts"

describe("sweepDecoder", () => {
  const sweep = {
    host_ip: "10.0.0.1",
    gateway_id: "gw-1",
    agent_id: "a-1",
    partition: "berlin",
    network_cidr: "10.0.0.0/24",
    hostname: "sw-7",
    mac: "0a:0b:0c:0d:0e:0f",
    icmp_available: true,
    icmp_response_time_ns: 1_200_000,
    tcp_ports_scanned: [22, 443],
    tcp_ports_open: [22],
    last_sweep_time: "2026-01-14T10:00:00Z",
    execution_id: "e-1"
  }

  it("fills the columns and keeps the findings", () => {
    const row = rowOf(sweepDecoder, networkActivity, sweep)
    assert.deepInclude(row, {
      time: new Date("2026-01-14T10:00:00Z"),
      class_uid: 4001,
      activity_id: 99,
      type_uid: 400199,
      dst_endpoint_ip: "10.0.0.1",
      dst_endpoint_hostname: "sw-7",
      dst_endpoint_mac: "0a:0b:0c:0d:0e:0f",
      gateway_id: "gw-1",
      agent_id: "a-1",
      partition: "berlin",
      src_endpoint_ip: null
    })
    assert.deepStrictEqual(JSON.parse(row.unmapped ?? ""), {
      network_cidr: "10.0.0.0/24",
      icmp_available: true,
      icmp_response_time_ns: 1_200_000,
      tcp_ports_scanned: [22, 443],
      tcp_ports_open: [22],
      execution_id: "e-1"
    })
  })

  it("refuses a host without an address", () => {
    refused(sweepDecoder, { ...sweep, host_ip: "" }, "missing_field", "$.host_ip")
    refused(sweepDecoder, [sweep, { ...sweep, host_ip: "sw-7" }], "invalid_field", "$[1].host_ip")
  })
})

describe("timeseriesDecoder", () => {
  const sample = {
    timestamp: 1_768_400_000_250,
    gateway_id: "gw-1",
    metric_name: "ifInOctets",
    metric_type: "snmp",
    device_id: "d-1",
    value: 0,
    unit: "By",
    tags: { site: "berlin" },
    scale: 0.5,
    is_delta: true,
    target_device_ip: "10.0.0.1",
    if_index: 7,
    metadata: { oid: "1.3" },
    extra: [1]
  }

  it("fills the columns, and keeps the rest beside the metadata", () => {
    const { extra, ...columns } = sample
    assert.deepStrictEqual(rowOf(timeseriesDecoder, timeseriesMetrics, sample), {
      ...columns,
      timestamp: new Date("2026-01-14T14:13:20.250Z"),
      agent_id: null,
      partition: null,
      tags: '{"site":"berlin"}',
      metadata: `{"oid":"1.3","extra":[${extra}]}`
    })
  })

  it("takes an array, values as text, and the time of receipt", () => {
    const rows = rowsOf(timeseriesDecoder, timeseriesMetrics, [
      { metric_name: "a", value: "1.5" },
      { metricName: "b", value: -2 }
    ])
    assert.deepStrictEqual(
      rows.map(({ metric_name, value, timestamp }) => [metric_name, value, timestamp]),
      [
        ["a", 1.5, received],
        ["b", -2, received]
      ]
    )
  })

  it("refuses a sample without a name or a number", () => {
    refused(timeseriesDecoder, { ...sample, metric_name: undefined }, "missing_field", "$.metric_name")
    refused(timeseriesDecoder, { ...sample, value: null }, "missing_field", "$.value")
    refused(timeseriesDecoder, { ...sample, value: "warm" }, "invalid_field", "$.value")
    refused(timeseriesDecoder, { ...sample, tags: "a=b" }, "invalid_field", "$.tags")
  })
})
