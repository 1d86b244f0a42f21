/**
 * Flows: the table `netflow_metrics`.
 */
import type { NetflowMetricRow } from "./NetflowMetricRow.ts"
import { recordTable } from "./RecordTable.ts"

export const netflowMetrics = recordTable<NetflowMetricRow>({
  name: "netflow_metrics",
  columns: {
    timestamp: "timestamptz",
    gateway_id: "text",
    agent_id: "text",
    device_id: "text",
    flow_direction: "text",
    src_addr: "text",
    dst_addr: "text",
    src_port: "int4",
    dst_port: "int4",
    protocol: "int4",
    packets: "bigint",
    octets: "bigint",
    sampler_address: "text",
    input_snmp: "int8",
    output_snmp: "int8",
    flow_type: "text",
    sampling_rate: "bigint",
    time_received_ns: "bigint",
    time_flow_start_ns: "bigint",
    time_flow_end_ns: "bigint",
    src_as: "int8",
    dst_as: "int8",
    next_hop: "text",
    bgp_next_hop: "text",
    ip_tos: "int8",
    tcp_flags: "int8",
    vlan_id: "int8",
    forwarding_status: "int8",
    packets_scaled: "bigint",
    octets_scaled: "bigint",
    protocol_name: "text",
    service: "text",
    service_port: "int4",
    src_is_private: "bool",
    dst_is_private: "bool",
    src_country: "text",
    dst_country: "text",
    src_as_name: "text",
    dst_as_name: "text",
    metadata: "jsonb"
  },
  timeColumn: "timestamp"
})
