/**
 * The rows of flows in JSON, with the names of the columns, those of FlowMessage, or in camel case.
 */
import { isIP } from "node:net"
import type { NetflowMetricRow } from "../NetflowMetricRow.ts"
import { derivedFlow } from "./derivedFlow.ts"
import { type JsonRecord, jsonRecords } from "./JsonRecord.ts"
import { instant } from "./otlpTime.ts"
import type { ParsedJson } from "./parseJson.ts"
import { preview } from "./preview.ts"
import { protocolNumber } from "./protocols.ts"

export const jsonFlows = (json: ParsedJson, received: Date): ReadonlyArray<NetflowMetricRow> =>
  jsonRecords(json).map((record) => rowOf(record, received))

const PORT_MAX = 65_535
const INT4_MAX = 2_147_483_647
const UINT32_MAX = 2 ** 32 - 1

const rowOf = (record: JsonRecord, received: Date): NetflowMetricRow => {
  const timeReceived = record.bigint("time_received_ns", "timeReceivedNs") || null
  const end = record.bigint("time_flow_end_ns", "timeFlowEndNs") || null
  const time = timeReceived ?? end
  const columns = {
    timestamp: record.time("timestamp") ?? (time === null ? received : instant(time)),
    gateway_id: record.text("gateway_id", "gatewayId"),
    agent_id: record.text("agent_id", "agentId"),
    device_id: record.text("device_id", "deviceId"),
    flow_direction: record.scalarText("flow_direction", "flowDirection"),
    src_addr: address(record, "src_addr", "srcAddr"),
    dst_addr: address(record, "dst_addr", "dstAddr"),
    src_port: record.integer(0, PORT_MAX, "src_port", "srcPort"),
    dst_port: record.integer(0, PORT_MAX, "dst_port", "dstPort"),
    protocol: protocol(record, "protocol", "proto"),
    packets: record.bigint("packets") ?? 0n,
    octets: record.bigint("octets", "bytes") ?? 0n,
    sampler_address: address(record, "sampler_address", "samplerAddress"),
    input_snmp: record.integer(0, UINT32_MAX, "input_snmp", "inputSnmp", "in_if", "inIf"),
    output_snmp: record.integer(0, UINT32_MAX, "output_snmp", "outputSnmp", "out_if", "outIf"),
    flow_type: record.scalarText("flow_type", "type"),
    sampling_rate: record.bigint("sampling_rate", "samplingRate") || null,
    time_received_ns: timeReceived,
    time_flow_start_ns: record.bigint("time_flow_start_ns", "timeFlowStartNs") || null,
    time_flow_end_ns: end,
    src_as: record.integer(0, UINT32_MAX, "src_as", "srcAs"),
    dst_as: record.integer(0, UINT32_MAX, "dst_as", "dstAs"),
    next_hop: address(record, "next_hop", "nextHop"),
    bgp_next_hop: address(record, "bgp_next_hop", "bgpNextHop"),
    ip_tos: record.integer(0, UINT32_MAX, "ip_tos", "ipTos"),
    tcp_flags: record.integer(0, UINT32_MAX, "tcp_flags", "tcpFlags"),
    vlan_id: record.integer(0, UINT32_MAX, "vlan_id", "vlanId"),
    forwarding_status: record.integer(0, UINT32_MAX, "forwarding_status", "forwardingStatus")
  }
  if (columns.src_addr === null && columns.dst_addr === null && columns.octets === 0n && columns.packets === 0n) {
    return record.fail("missing_field", "src_addr", "is missing, and there are neither bytes nor packets: send flows")
  }
  return derivedFlow({ ...columns, metadata: record.mergedJson("metadata") })
}

const address = (record: JsonRecord, ...names: ReadonlyArray<string>): string | null => {
  const text = record.text(...names)
  if (text === null || isIP(text) !== 0) return text
  return record.fail("invalid_field", record.nameOf(names) ?? "", `${preview(text)} is no IP address: send one`)
}

/** A number, or a name. */
const protocol = (record: JsonRecord, ...names: ReadonlyArray<string>): number | null => {
  const name = record.nameOf(names)
  const sent = name === undefined ? undefined : record.value(name)
  const number = typeof sent === "string" ? protocolNumber(sent) : undefined
  if (name === undefined || number === undefined) return record.integer(0, INT4_MAX, ...names)
  record.take(name)
  return number
}
