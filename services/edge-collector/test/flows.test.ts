import { flowDecoder, type NetflowMetricRow } from "@bulkhead/records"
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { Datagram, Malformed } from "../src/Datagram.ts"
import { FlowTemplates } from "../src/FlowTemplates.ts"
import { encodeFlow, type Flow } from "../src/flowMessage.ts"
import { readNetflow } from "../src/readNetflow.ts"
import { readSflow } from "../src/readSflow.ts"
import { AT_S, ipfixBoth, netflow5, netflow9Data, netflow9Sampling, netflow9Template, sflow } from "./flowPackets.ts"

const exported = { exporter: Uint8Array.of(10, 9, 9, 9), receivedNs: BigInt(AT_S) * 1_000_000_000n }
const read = (bytes: Uint8Array, templates = new FlowTemplates()) =>
  readNetflow(new Datagram(bytes), templates, exported)

/** The row that the platform makes of a flow. */
const rowOf = (flow: Flow | undefined): NetflowMetricRow => {
  if (flow === undefined) return assert.fail("a flow is there")
  const rows: Array<NetflowMetricRow> = []
  const message = { subject: "flows.raw.netflow", headers: {}, data: encodeFlow(flow), timestamp: new Date() }
  const problem = flowDecoder(message, { add: (_: object, row: object) => void rows.push(row as NetflowMetricRow) })
  assert.isUndefined(problem)
  return rows[0] ?? assert.fail("a row is there")
}

const common = {
  src_addr: "10.0.0.1",
  dst_addr: "10.0.0.2",
  src_port: 443,
  dst_port: 51_000,
  protocol: 6,
  sampler_address: "10.9.9.9"
}
const traffic = { ...common, packets: 3n, octets: 1_500n }
const [start, end] = [BigInt(AT_S - 2) * 1_000_000_000n, BigInt(AT_S - 1) * 1_000_000_000n]
const times = { time_flow_start_ns: start, time_flow_end_ns: end, time_received_ns: exported.receivedNs }
const bigints = (row: NetflowMetricRow) => ({
  ...row,
  packets: BigInt(row.packets ?? 0),
  octets: BigInt(row.octets ?? 0)
})

describe("flows", () => {
  it("reads NetFlow 5", () => {
    const row = rowOf(read(netflow5)[0])
    assert.deepInclude(bigints(row), {
      ...traffic,
      ...times,
      flow_type: "NETFLOW_V5",
      src_as: 65_001,
      input_snmp: 3,
      tcp_flags: 0x12
    })
    assert.strictEqual(Number(row.sampling_rate), 100)
  })

  it("reads NetFlow 9 once it has the template, of that exporter alone, and its sampling rate", () => {
    const templates = new FlowTemplates()
    assert.deepStrictEqual(read(netflow9Data, templates), [])
    assert.strictEqual(templates.unknownTemplates, 1)
    read(netflow9Template, templates)
    read(netflow9Sampling, templates)
    const row = rowOf(read(netflow9Data, templates)[0])
    assert.deepInclude(bigints(row), { ...traffic, ...times, flow_type: "NETFLOW_V9" })
    assert.strictEqual(Number(row.sampling_rate), 64)
    const other = { ...exported, exporter: Uint8Array.of(10, 9, 9, 8) }
    assert.deepStrictEqual(readNetflow(new Datagram(netflow9Data), templates, other), [])
  })

  it("reads IPFIX with elements of a vendor and of variable length", () => {
    assert.deepInclude(bigints(rowOf(read(ipfixBoth)[0])), { ...traffic, ...times, flow_type: "IPFIX" })
  })

  it("reads the packets that sFlow samples", () => {
    const row = rowOf(readSflow(new Datagram(sflow), exported)[0])
    assert.deepInclude(bigints(row), {
      ...common,
      packets: 1n,
      octets: 1_018n,
      flow_type: "SFLOW_5",
      vlan_id: 77,
      tcp_flags: 0x12
    })
    assert.strictEqual(Number(row.sampling_rate), 512)
  })

  it("makes of any datagram flows that the platform's decoder takes, or says that it is malformed", () => {
    const templates = new FlowTemplates()
    const samples = [netflow5, netflow9Template, netflow9Data, netflow9Sampling, ipfixBoth, sflow]
    const mutated = fc
      .tuple(fc.constantFrom(...samples), fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 6 }), fc.nat(200))
      .map(([bytes, changes, cut]) => {
        const copy = Buffer.from(bytes)
        for (const [at, value] of changes) copy[at % copy.byteLength] = value
        return copy.subarray(0, cut > 150 ? cut : copy.byteLength)
      })
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 80 })), (bytes) => {
        for (const one of [() => read(bytes, templates), () => readSflow(new Datagram(bytes), exported)]) {
          try {
            for (const flow of one()) {
              const isFlow =
                flow.srcAddr.byteLength + flow.dstAddr.byteLength > 0 || flow.bytes > 0n || flow.packets > 0n
              if (isFlow) rowOf(flow)
            }
          } catch (error) {
            assert.instanceOf(error, Malformed)
          }
        }
      }),
      { numRuns: 1_000 }
    )
  })
})
