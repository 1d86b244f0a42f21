/**
 * Network activity: the table `ocsf_network_activity`, and how a flow becomes a row of it.
 */
import { instant } from "./internal/otlpTime.ts"
import type { NetflowMetricRow } from "./NetflowMetricRow.ts"
import type { NetworkActivityRow } from "./NetworkActivityRow.ts"
import { recordTable } from "./RecordTable.ts"

export const networkActivity = recordTable<NetworkActivityRow>({
  name: "ocsf_network_activity",
  columns: {
    time: "timestamptz",
    class_uid: "int4",
    category_uid: "int4",
    activity_id: "int4",
    type_uid: "int4",
    activity_name: "text",
    severity_id: "int4",
    start_time: "timestamptz",
    end_time: "timestamptz",
    src_endpoint_ip: "text",
    src_endpoint_port: "int4",
    src_as_number: "int8",
    dst_endpoint_ip: "text",
    dst_endpoint_port: "int4",
    dst_as_number: "int8",
    dst_endpoint_hostname: "text",
    dst_endpoint_mac: "text",
    protocol_num: "int4",
    protocol_name: "text",
    direction_id: "int4",
    direction: "text",
    tcp_flags: "int8",
    bytes_total: "bigint",
    packets_total: "bigint",
    sampler_address: "text",
    gateway_id: "text",
    agent_id: "text",
    device_id: "text",
    partition: "text",
    unmapped: "jsonb",
    sampling_rate: "bigint",
    src_endpoint_svc_name: "text",
    dst_endpoint_svc_name: "text",
    src_endpoint_country: "text",
    dst_endpoint_country: "text",
    src_as_name: "text",
    dst_as_name: "text"
  },
  timeColumn: "time"
})

const DIRECTIONS = {
  ingress: [1, "Inbound"],
  in: [1, "Inbound"],
  inbound: [1, "Inbound"],
  egress: [2, "Outbound"],
  out: [2, "Outbound"],
  outbound: [2, "Outbound"],
  lateral: [3, "Lateral"]
} as const

const directionOf = (direction: string | null) => {
  const known = (direction ?? "").toLowerCase()
  return Object.hasOwn(DIRECTIONS, known) ? DIRECTIONS[known as keyof typeof DIRECTIONS] : ([0, "Unknown"] as const)
}

const instantOf = (nanos: bigint | null): Date | null => (nanos === null ? null : instant(nanos))

/**
 * The traffic event of a flow; also of one whose columns were filled further. Its bytes and packets are corrected for
 * sampling: divided by `sampling_rate` they are what was seen. What only `netflow_metrics` has a column
 * for (`next_hop`, `ip_tos` and the like) stays there.
 */
export const activityOfFlow = (flow: NetflowMetricRow): NetworkActivityRow => {
  const [direction_id, direction] = directionOf(flow.flow_direction)
  return {
    time: flow.timestamp,
    class_uid: 4001,
    category_uid: 4,
    activity_id: 6,
    type_uid: 400106,
    activity_name: "Traffic",
    severity_id: 1,
    start_time: instantOf(flow.time_flow_start_ns),
    end_time: instantOf(flow.time_flow_end_ns),
    src_endpoint_ip: flow.src_addr,
    src_endpoint_port: flow.src_port,
    src_as_number: flow.src_as,
    dst_endpoint_ip: flow.dst_addr,
    dst_endpoint_port: flow.dst_port,
    dst_as_number: flow.dst_as,
    dst_endpoint_hostname: null,
    dst_endpoint_mac: null,
    protocol_num: flow.protocol,
    protocol_name: flow.protocol_name,
    direction_id,
    direction,
    tcp_flags: flow.tcp_flags,
    bytes_total: flow.octets_scaled,
    packets_total: flow.packets_scaled,
    sampler_address: flow.sampler_address,
    gateway_id: flow.gateway_id,
    agent_id: flow.agent_id,
    device_id: flow.device_id,
    partition: null,
    unmapped: flow.metadata,
    sampling_rate: flow.sampling_rate,
    src_endpoint_svc_name: flow.service_port === flow.dst_port ? null : flow.service,
    dst_endpoint_svc_name: flow.service_port === flow.dst_port ? flow.service : null,
    src_endpoint_country: flow.src_country,
    dst_endpoint_country: flow.dst_country,
    src_as_name: flow.src_as_name,
    dst_as_name: flow.dst_as_name
  }
}
