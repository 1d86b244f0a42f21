/**
 * One row of `ocsf_network_activity`: a flow or the result of a sweep, as an event of OCSF's class 4001.
 */
import type { JsonText } from "./OcsfEventRow.ts"

export interface NetworkActivityRow {
  readonly time: Date
  readonly class_uid: 4001
  readonly category_uid: 4
  /** 6 traffic, 99 other. */
  readonly activity_id: 6 | 99
  readonly type_uid: 400106 | 400199
  readonly activity_name: string
  /** 1, informational. */
  readonly severity_id: 1
  readonly start_time: Date | null
  readonly end_time: Date | null
  readonly src_endpoint_ip: string | null
  readonly src_endpoint_port: number | null
  readonly src_as_number: number | null
  readonly dst_endpoint_ip: string | null
  readonly dst_endpoint_port: number | null
  readonly dst_as_number: number | null
  readonly dst_endpoint_hostname: string | null
  readonly dst_endpoint_mac: string | null
  readonly protocol_num: number | null
  readonly protocol_name: string | null
  /** 0 unknown, 1 inbound, 2 outbound, 3 lateral. */
  readonly direction_id: 0 | 1 | 2 | 3
  readonly direction: string
  readonly tcp_flags: number | null
  readonly bytes_total: bigint | null
  readonly packets_total: bigint | null
  readonly sampler_address: string | null
  readonly gateway_id: string | null
  readonly agent_id: string | null
  readonly device_id: string | null
  readonly partition: string | null
  /** What has no column. */
  readonly unmapped: JsonText | null
  /** One packet of so many was seen; `bytes_total` and `packets_total` are multiplied by it. */
  readonly sampling_rate: bigint | null
  /** The service of the end that serves; the other end has none. */
  readonly src_endpoint_svc_name: string | null
  readonly dst_endpoint_svc_name: string | null
  /** ISO 3166-1 code of two letters. */
  readonly src_endpoint_country: string | null
  readonly dst_endpoint_country: string | null
  readonly src_as_name: string | null
  readonly dst_as_name: string | null
}
