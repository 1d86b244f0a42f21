/**
 * The rows of FlowMessages in protobuf.
 */
import { DecodeError } from "../DecodeError.ts"
import type { ReceivedMessage } from "../Decoder.ts"
import { FlowMessage, FlowMessage_FlowType, FlowMessage_LayerStack } from "../generated/flow.ts"
import type { NetflowMetricRow } from "../NetflowMetricRow.ts"
import { derivedFlow } from "./derivedFlow.ts"
import { ipAddress } from "./ipAddress.ts"
import { instant, int64, nanos } from "./otlpTime.ts"
import { checkWire } from "./protobuf/checkWire.ts"
import { MessageShape } from "./protobuf/MessageShape.ts"
import { WireReader } from "./protobuf/WireReader.ts"

const shape = MessageShape.of("flowpb.FlowMessage")

export const protobufFlows = ({ data, timestamp }: ReceivedMessage): ReadonlyArray<NetflowMetricRow> =>
  (prefixed(data) ?? [whole(data)]).map((flow) => rowOf(flow, timestamp))

const read = (bytes: Uint8Array): FlowMessage => FlowMessage.decode(new WireReader(bytes))

const whole = (bytes: Uint8Array): FlowMessage => {
  checkWire(shape, bytes)
  return read(bytes)
}

const LENGTH_BYTES_MAX = 4

/**
 * The messages of a payload that is a length, a message, a length, a message … to its last byte; undefined where it is
 * not, since then it is one message without a length.
 */
const prefixed = (bytes: Uint8Array): ReadonlyArray<FlowMessage> | undefined => {
  if (bytes.byteLength === 0) return undefined
  const parts: Array<Uint8Array> = []
  let at = 0
  while (at < bytes.byteLength) {
    let length = 0
    let read = 0
    let byte = 0x80
    while (byte >= 0x80 && read < LENGTH_BYTES_MAX) {
      byte = bytes[at + read] ?? 0
      length += (byte & 0x7f) * 2 ** (7 * read)
      read += 1
    }
    at += read + length
    if (byte >= 0x80 || length === 0 || at > bytes.byteLength) return undefined
    parts.push(bytes.subarray(at - length, at))
  }
  try {
    for (const part of parts) checkWire(shape, part)
  } catch {
    return undefined
  }
  return parts.map(read)
}

const TYPES: ReadonlyMap<number, string> = new Map(
  Object.entries(FlowMessage_FlowType).map(([name, number]) => [number, name])
)
const LAYERS: ReadonlyMap<number, string> = new Map(
  Object.entries(FlowMessage_LayerStack).map(([name, number]) => [number, name])
)

const PORT_MAX = 65_535

const fail = (field: string, problem: string): never => {
  throw new DecodeError("invalid_field", `$.${field}`, problem)
}

const address = (bytes: Uint8Array, field: string): string | null => {
  if (bytes.byteLength === 0) return null
  return ipAddress(bytes) ?? fail(field, `has ${bytes.byteLength} bytes and no IP address has: send 4 or 16`)
}

const port = (value: number, field: string): number =>
  value <= PORT_MAX ? value : fail(field, `"${value}" is no port from 0 to ${PORT_MAX}: send one`)

const INT4_MAX = 2_147_483_647

const protocol = (value: number): number =>
  value <= INT4_MAX ? value : fail("proto", `"${value}" is no protocol: send its number, 0 to 255`)

const rowOf = (flow: FlowMessage, received: Date): NetflowMetricRow => {
  if (flow.srcAddr.byteLength === 0 && flow.dstAddr.byteLength === 0 && flow.bytes === 0n && flow.packets === 0n) {
    throw new DecodeError(
      "missing_field",
      "$.src_addr",
      "is missing, and there are neither bytes nor packets: send flows"
    )
  }
  const timeReceived = nanos(flow.timeReceivedNs, "time_received_ns")
  const end = nanos(flow.timeFlowEndNs, "time_flow_end_ns")
  const time = timeReceived ?? end
  return derivedFlow({
    timestamp: time === null ? received : instant(time),
    gateway_id: null,
    agent_id: null,
    device_id: null,
    flow_direction: null,
    src_addr: address(flow.srcAddr, "src_addr"),
    dst_addr: address(flow.dstAddr, "dst_addr"),
    src_port: port(flow.srcPort, "src_port"),
    dst_port: port(flow.dstPort, "dst_port"),
    protocol: protocol(flow.proto),
    packets: int64(flow.packets, "packets"),
    octets: int64(flow.bytes, "bytes"),
    sampler_address: address(flow.samplerAddress, "sampler_address"),
    input_snmp: flow.inIf,
    output_snmp: flow.outIf,
    flow_type: flow.type === 0 ? null : (TYPES.get(flow.type) ?? String(flow.type)),
    sampling_rate: int64(flow.samplingRate, "sampling_rate") || null,
    time_received_ns: timeReceived,
    time_flow_start_ns: nanos(flow.timeFlowStartNs, "time_flow_start_ns"),
    time_flow_end_ns: end,
    src_as: flow.srcAs || null,
    dst_as: flow.dstAs || null,
    next_hop: address(flow.nextHop, "next_hop"),
    bgp_next_hop: address(flow.bgpNextHop, "bgp_next_hop"),
    ip_tos: flow.ipTos,
    tcp_flags: flow.tcpFlags,
    vlan_id: flow.vlanId || null,
    forwarding_status: flow.forwardingStatus || null,
    metadata: metadataOf(flow)
  })
}

const MAC_DIGITS = 12

const mac = (value: bigint): string =>
  value
    .toString(16)
    .padStart(MAC_DIGITS, "0")
    .replaceAll(/(..)(?=.)/g, "$1:")

const addresses = (values: ReadonlyArray<Uint8Array>, field: string): ReadonlyArray<string | null> =>
  values.map((value) => address(value, field))

/** What has no column and is not 0 or empty. */
const metadataOf = (flow: FlowMessage): string | null => {
  const all: Readonly<Record<string, unknown>> = {
    sequence_num: flow.sequenceNum,
    next_hop_as: flow.nextHopAs,
    src_net: flow.srcNet,
    dst_net: flow.dstNet,
    ip_ttl: flow.ipTtl,
    src_mac: flow.srcMac === 0n ? 0 : mac(flow.srcMac),
    dst_mac: flow.dstMac === 0n ? 0 : mac(flow.dstMac),
    etype: flow.etype,
    icmp_type: flow.icmpType,
    icmp_code: flow.icmpCode,
    src_vlan: flow.srcVlan,
    dst_vlan: flow.dstVlan,
    fragment_id: flow.fragmentId,
    fragment_offset: flow.fragmentOffset,
    ipv6_flow_label: flow.ipv6FlowLabel,
    ip_flags: flow.ipFlags,
    observation_domain_id: flow.observationDomainId,
    observation_point_id: flow.observationPointId,
    mpls_ttl: flow.mplsTtl,
    mpls_label: flow.mplsLabel,
    mpls_ip: addresses(flow.mplsIp, "mpls_ip"),
    bgp_communities: flow.bgpCommunities,
    as_path: flow.asPath,
    layer_stack: flow.layerStack.map((layer) => LAYERS.get(layer) ?? layer),
    layer_size: flow.layerSize,
    ipv6_routing_header_addresses: addresses(flow.ipv6RoutingHeaderAddresses, "ipv6_routing_header_addresses"),
    ipv6_routing_header_seg_left: flow.ipv6RoutingHeaderSegLeft
  }
  const set = Object.entries(all).filter(([, value]) => (Array.isArray(value) ? value.length > 0 : value !== 0))
  return set.length === 0 ? null : JSON.stringify(Object.fromEntries(set))
}
