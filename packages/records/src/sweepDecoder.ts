/**
 * Sweeps: the subjects `sweep.>`. A payload is what a sweep found out about a host, in JSON, or an array of that; it
 * becomes a row of `ocsf_network_activity`.
 */
import { isIP } from "node:net"
import { decoderOf } from "./internal/decoderOf.ts"
import { type JsonRecord, jsonRecords } from "./internal/JsonRecord.ts"
import { parseJson } from "./internal/parseJson.ts"
import { preview } from "./internal/preview.ts"
import type { NetworkActivityRow } from "./NetworkActivityRow.ts"
import { networkActivity } from "./networkActivity.ts"

/** Decodes a message of `sweep.>` into rows of `ocsf_network_activity`, one for each host. */
export const sweepDecoder = decoderOf((message, rows) => {
  for (const record of jsonRecords(parseJson(message.data))) {
    rows.add(networkActivity, rowOf(record, message.timestamp))
  }
})

const rowOf = (record: JsonRecord, received: Date): NetworkActivityRow => {
  const columns = {
    time: record.time("last_sweep_time", "lastSweepTime", "timestamp") ?? received,
    class_uid: 4001,
    category_uid: 4,
    activity_id: 99,
    type_uid: 400199,
    activity_name: "Sweep",
    severity_id: 1,
    start_time: null,
    end_time: null,
    src_endpoint_ip: null,
    src_endpoint_port: null,
    src_as_number: null,
    dst_endpoint_ip: hostIp(record),
    dst_endpoint_port: null,
    dst_as_number: null,
    dst_endpoint_hostname: record.text("hostname"),
    dst_endpoint_mac: record.text("mac"),
    protocol_num: null,
    protocol_name: null,
    direction_id: 0,
    direction: "Unknown",
    tcp_flags: null,
    bytes_total: null,
    packets_total: null,
    sampler_address: null,
    gateway_id: record.text("gateway_id", "gatewayId"),
    agent_id: record.text("agent_id", "agentId"),
    device_id: record.text("device_id", "deviceId"),
    partition: record.text("partition"),
    sampling_rate: null,
    src_endpoint_svc_name: null,
    dst_endpoint_svc_name: null,
    src_endpoint_country: null,
    dst_endpoint_country: null,
    src_as_name: null,
    dst_as_name: null
  } as const
  return { ...columns, unmapped: record.restJson() }
}

const hostIp = (record: JsonRecord): string => {
  const ip =
    record.text("host_ip", "hostIp") ?? record.fail("missing_field", "host_ip", "is missing: send the host's address")
  return isIP(ip) === 0 ? record.fail("invalid_field", "host_ip", `${preview(ip)} is no IP address: send one`) : ip
}
