/**
 * What follows from a flow itself, and the columns that stay empty until somebody knows more.
 */
import { DecodeError } from "../DecodeError.ts"
import type { NetflowMetricRow } from "../NetflowMetricRow.ts"
import { protocolName } from "./protocols.ts"

/** The columns that every exporter may fill. */
export type ExportedFlow = Omit<
  NetflowMetricRow,
  keyof typeof UNKNOWN | "packets_scaled" | "octets_scaled" | "protocol_name"
>

const UNKNOWN = {
  service: null,
  service_port: null,
  src_is_private: null,
  dst_is_private: null,
  src_country: null,
  dst_country: null,
  src_as_name: null,
  dst_as_name: null
} as const

const INT8_MAX = 2n ** 63n - 1n

const scaled = (count: bigint, rate: bigint | null, field: string): bigint => {
  const estimate = rate === null ? count : count * rate
  if (estimate <= INT8_MAX) return estimate
  throw new DecodeError(
    "invalid_field",
    "$.sampling_rate",
    `${count} ${field} times the sampling rate "${rate}" exceed ${INT8_MAX}: send the rate that the exporter samples by`
  )
}

export const derivedFlow = (flow: ExportedFlow): NetflowMetricRow => ({
  ...flow,
  packets_scaled: scaled(flow.packets, flow.sampling_rate, "packets"),
  octets_scaled: scaled(flow.octets, flow.sampling_rate, "bytes"),
  protocol_name: flow.protocol === null ? null : protocolName(flow.protocol),
  ...UNKNOWN
})
