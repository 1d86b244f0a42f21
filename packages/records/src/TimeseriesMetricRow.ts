/**
 * One row of `timeseries_metrics`: a sample of a metric that an agent measured.
 */
import type { JsonText } from "./OcsfEventRow.ts"

export interface TimeseriesMetricRow {
  readonly timestamp: Date
  readonly gateway_id: string | null
  readonly agent_id: string | null
  readonly metric_name: string
  readonly metric_type: string | null
  readonly device_id: string | null
  readonly value: number
  readonly unit: string | null
  readonly tags: JsonText | null
  readonly partition: string | null
  readonly scale: number | null
  readonly is_delta: boolean | null
  readonly target_device_ip: string | null
  readonly if_index: number | null
  /** Also what has no column. */
  readonly metadata: JsonText | null
}
