/**
 * One row of `netflow_metrics`: a flow, as it was exported; counts are not corrected for sampling.
 */
import type { JsonText } from "./OcsfEventRow.ts"

/** What the exporter did not say, or said as 0 where 0 stands for that, is null. */
export interface NetflowMetricRow {
  /** When the collector took it, else when the flow ended, else when the stream took it. */
  readonly timestamp: Date
  readonly gateway_id: string | null
  readonly agent_id: string | null
  readonly device_id: string | null
  readonly flow_direction: string | null
  readonly src_addr: string | null
  readonly dst_addr: string | null
  readonly src_port: number | null
  readonly dst_port: number | null
  /** IP protocol number. */
  readonly protocol: number | null
  readonly packets: bigint
  readonly octets: bigint
  readonly sampler_address: string | null
  readonly input_snmp: number | null
  readonly output_snmp: number | null
  /** `SFLOW_5`, `NETFLOW_V5`, `NETFLOW_V9` or `IPFIX`. */
  readonly flow_type: string | null
  readonly sampling_rate: bigint | null
  readonly time_received_ns: bigint | null
  readonly time_flow_start_ns: bigint | null
  readonly time_flow_end_ns: bigint | null
  readonly src_as: number | null
  readonly dst_as: number | null
  readonly next_hop: string | null
  readonly bgp_next_hop: string | null
  readonly ip_tos: number | null
  readonly tcp_flags: number | null
  readonly vlan_id: number | null
  readonly forwarding_status: number | null
  /** All else that the flow has. */
  readonly metadata: JsonText | null
}
