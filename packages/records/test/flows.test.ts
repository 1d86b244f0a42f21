import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { FlowMessage } from "../src/generated/flow.ts"
import { activityOfFlow, flowActivityDecoder, flowDecoder, netflowMetrics, networkActivity } from "../src/index.ts"
import { received, refused, rowOf, rowsOf } from "./decoding.ts"

const flow = (fields: Partial<FlowMessage>): FlowMessage => ({ ...FlowMessage.decode(new Uint8Array(0)), ...fields })
const encode = (message: FlowMessage): Uint8Array => FlowMessage.encode(message).finish()
const v4 = (...bytes: ReadonlyArray<number>) => Uint8Array.from(bytes)

const lengthOf = (bytes: Uint8Array): ReadonlyArray<number> =>
  bytes.byteLength < 128 ? [bytes.byteLength] : [(bytes.byteLength & 0x7f) | 0x80, bytes.byteLength >> 7]
const withLength = (bytes: Uint8Array): Uint8Array => Uint8Array.of(...lengthOf(bytes), ...bytes)

const whole = flow({
  type: 4,
  samplingRate: 100n,
  sequenceNum: 9,
  srcAddr: v4(10, 0, 0, 1),
  dstAddr: Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
  samplerAddress: v4(10, 0, 0, 2),
  nextHop: v4(10, 0, 0, 3),
  bytes: 9_007_199_254_740_993n,
  packets: 2n,
  proto: 6,
  srcPort: 443,
  dstPort: 50_000,
  inIf: 4_294_967_295,
  outIf: 2,
  tcpFlags: 18,
  srcAs: 64_512,
  vlanId: 7,
  srcMac: 0x0a0b0c0d0e0fn,
  mplsLabel: [1, 300],
  layerStack: [0, 1, 99],
  timeReceivedNs: 1_768_400_000_250_000_123n,
  timeFlowEndNs: 1_768_400_000_000_000_000n
})

const wholeRow = {
  timestamp: new Date("2026-01-14T14:13:20.250Z"),
  gateway_id: null,
  agent_id: null,
  device_id: null,
  flow_direction: null,
  src_addr: "10.0.0.1",
  dst_addr: "2001:db8::1",
  src_port: 443,
  dst_port: 50_000,
  protocol: 6,
  packets: 2n,
  octets: 9_007_199_254_740_993n,
  sampler_address: "10.0.0.2",
  input_snmp: 4_294_967_295,
  output_snmp: 2,
  flow_type: "IPFIX",
  sampling_rate: 100n,
  time_received_ns: 1_768_400_000_250_000_123n,
  time_flow_start_ns: null,
  time_flow_end_ns: 1_768_400_000_000_000_000n,
  src_as: 64_512,
  dst_as: null,
  next_hop: "10.0.0.3",
  bgp_next_hop: null,
  ip_tos: 0,
  tcp_flags: 18,
  vlan_id: 7,
  forwarding_status: null,
  packets_scaled: 200n,
  octets_scaled: 900_719_925_474_099_300n,
  protocol_name: "tcp",
  service: null,
  service_port: null,
  src_is_private: null,
  dst_is_private: null,
  src_country: null,
  dst_country: null,
  src_as_name: null,
  dst_as_name: null,
  metadata:
    '{"sequence_num":9,"src_mac":"0a:0b:0c:0d:0e:0f","mpls_label":[1,300],"layer_stack":["Ethernet","IPv4","Custom"]}'
}

describe("flowDecoder", () => {
  describe("FlowMessage", () => {
    it("fills every column, with and without its length in front", () => {
      assert.deepStrictEqual(rowOf(flowDecoder, netflowMetrics, encode(whole)), wholeRow)
      assert.deepStrictEqual(rowOf(flowDecoder, netflowMetrics, withLength(encode(whole))), wholeRow)
    })

    it("takes several with their lengths", () => {
      const payload = Buffer.concat([withLength(encode(whole)), withLength(encode(flow({ packets: 1n })))])
      const rows = rowsOf(flowDecoder, netflowMetrics, payload)
      assert.deepStrictEqual(
        rows.map(({ packets }) => packets),
        [2n, 1n]
      )
      assert.strictEqual(rows[1]?.timestamp, received)
    })

    it("gives any flow as it was sent, with or without a length", () => {
      const uint64 = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })
      const port = fc.integer({ min: 0, max: 65_535 })
      const address = fc.uint8Array({ minLength: 4, maxLength: 4 })
      const flows = fc.record({
        type: fc.integer({ min: 0, max: 4 }),
        bytes: uint64,
        packets: uint64,
        srcPort: port,
        dstPort: port,
        proto: fc.integer({ min: 0, max: 255 }),
        srcAddr: address,
        samplingRate: fc.constantFrom(0n, 1n),
        timeReceivedNs: uint64
      })
      fc.assert(
        fc.property(flows, fc.boolean(), (sent, hasLength) => {
          const bytes = encode(flow(sent as Partial<FlowMessage>))
          const row = rowOf(flowDecoder, netflowMetrics, hasLength ? withLength(bytes) : bytes)
          assert.deepInclude(row, {
            octets: sent.bytes,
            packets: sent.packets,
            src_port: sent.srcPort,
            dst_port: sent.dstPort,
            protocol: sent.proto,
            src_addr: sent.srcAddr.join("."),
            sampling_rate: sent.samplingRate || null,
            time_received_ns: sent.timeReceivedNs || null
          })
        })
      )
    })

    it.each([
      ["::", new Uint8Array(16)],
      ["::1", new Uint8Array(16).fill(1, 15)],
      ["101:101:101:101:101:101:101:101", new Uint8Array(16).fill(1)],
      ["1:0:101:101::", Uint8Array.of(0, 1, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0)]
    ])("writes the address %s", (address, srcAddr) => {
      assert.strictEqual(rowOf(flowDecoder, netflowMetrics, encode(flow({ srcAddr }))).src_addr, address)
    })

    it("refuses short messages, and each with its place", () => {
      for (const length of [1, 2, 3, 4, 5]) {
        refused(flowDecoder, new Uint8Array(length).fill(0xff), "invalid_field", "byte 0")
      }
      refused(flowDecoder, new Uint8Array(0), "missing_field", "$.src_addr")
      refused(flowDecoder, encode(flow({ type: 4 })), "missing_field", "$.src_addr")
      refused(flowDecoder, encode(flow({ srcAddr: v4(1, 2, 3) })), "invalid_field", "$.src_addr")
      refused(flowDecoder, encode(flow({ packets: 1n, dstPort: 65_536 })), "invalid_field", "$.dst_port")
      refused(flowDecoder, encode(flow({ bytes: 2n ** 63n })), "invalid_field", "$..bytes")
      const tooMany = encode(flow({ packets: 1n, bytes: 2n ** 62n, samplingRate: 2n }))
      refused(flowDecoder, tooMany, "invalid_field", "$.sampling_rate")
      refused(flowDecoder, Buffer.from("GET / HTTP/1.1\r\n"), "invalid_field", "byte 0")
    })
  })

  describe("JSON", () => {
    const json = {
      timestamp: "2026-01-14T10:00:00Z",
      gateway_id: "gw-1",
      flow_direction: "ingress",
      src_addr: "10.0.0.1",
      dst_addr: "fe80::1",
      src_port: 443,
      dstPort: "50000",
      protocol: "TCP",
      packets: 3,
      bytes: "9007199254740993",
      in_if: 4,
      vendor: { x: 1 }
    }

    it("takes the names of columns, of FlowMessage and in camel case", () => {
      assert.deepInclude(rowOf(flowDecoder, netflowMetrics, json), {
        timestamp: new Date("2026-01-14T10:00:00Z"),
        gateway_id: "gw-1",
        src_addr: "10.0.0.1",
        dst_port: 50_000,
        protocol: 6,
        octets: 9_007_199_254_740_993n,
        input_snmp: 4,
        tcp_flags: null,
        metadata: '{"vendor":{"x":1}}'
      })
    })

    it("says what is no flow", () => {
      refused(flowDecoder, { ...json, src_addr: "gw" }, "invalid_field", "$.src_addr")
      refused(flowDecoder, [json, { ...json, src_port: 65_536 }], "invalid_field", "$[1].src_port")
      refused(flowDecoder, { ...json, packets: -1 }, "invalid_field", "$.packets")
      refused(flowDecoder, { ...json, protocol: "carrier pigeon" }, "invalid_field", "$.protocol")
      refused(flowDecoder, {}, "missing_field", "$.src_addr")
    })
  })
})

describe("flowActivityDecoder", () => {
  it("makes the traffic event of the same flow", () => {
    const row = rowOf(flowActivityDecoder, networkActivity, encode(whole))
    assert.deepStrictEqual(row, activityOfFlow(wholeRow))
    assert.deepInclude(row, {
      class_uid: 4001,
      type_uid: 400106,
      src_endpoint_ip: "10.0.0.1",
      dst_endpoint_port: 50_000,
      protocol_name: "tcp",
      bytes_total: 900_719_925_474_099_300n,
      packets_total: 200n,
      sampling_rate: 100n,
      direction_id: 0,
      end_time: new Date("2026-01-14T14:13:20.000Z")
    })
  })

  it.each([
    ["ingress", 1, "Inbound"],
    ["OUT", 2, "Outbound"],
    ["lateral", 3, "Lateral"],
    ["constructor", 0, "Unknown"],
    [1, 0, "Unknown"]
  ])("reads the direction %s", (flow_direction, direction_id, direction) => {
    const row = rowOf(flowActivityDecoder, networkActivity, { src_addr: "10.0.0.1", flow_direction })
    assert.deepStrictEqual([row.direction_id, row.direction], [direction_id, direction])
  })
})
