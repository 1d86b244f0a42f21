/**
 * One row of `netflow_metrics`: a flow as it was exported, and what can be said of it beyond that. Whoever decodes it
 * leaves the latter null but for what follows from the flow itself; `@bulkhead/flows` fills it.
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
  /** Counts times the sampling rate: an estimate of what passed, of which `packets` and `octets` were seen. */
  readonly packets_scaled: bigint
  readonly octets_scaled: bigint
  readonly protocol_name: string | null
  /** The name that IANA gives to the port of the serving end, and that port. */
  readonly service: string | null
  readonly service_port: number | null
  /** Whether the address is one of a site's own, and not of the public network. */
  readonly src_is_private: boolean | null
  readonly dst_is_private: boolean | null
  /** ISO 3166-1 code of two letters. */
  readonly src_country: string | null
  readonly dst_country: string | null
  /** Who runs the autonomous system. */
  readonly src_as_name: string | null
  readonly dst_as_name: string | null
  /** All else that the flow has. */
  readonly metadata: JsonText | null
}
