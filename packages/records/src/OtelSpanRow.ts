/**
 * One row of `otel_traces`: a span.
 */
import type { JsonText } from "./OcsfEventRow.ts"
import type { OtlpOrigin } from "./OtlpOrigin.ts"

export interface OtelSpanRow extends OtlpOrigin {
  /** When it began, else when it ended, else when the stream took it; to the millisecond. */
  readonly timestamp: Date
  readonly trace_id: string | null
  readonly span_id: string | null
  readonly parent_span_id: string | null
  readonly trace_state: string | null
  readonly flags: number | null
  readonly name: string | null
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer, as in OTLP. */
  readonly kind: number | null
  readonly start_time_unix_nano: bigint | null
  readonly end_time_unix_nano: bigint | null
  /** 1 ok, 2 error. */
  readonly status_code: number | null
  readonly status_message: string | null
  readonly attributes: JsonText | null
  /** `[{"time_unix_nano":…,"name":…,"attributes":{…},"dropped_attributes_count":…}]` */
  readonly events: JsonText | null
  /** `[{"trace_id":…,"span_id":…,"trace_state":…,"flags":…,"attributes":{…},"dropped_attributes_count":…}]` */
  readonly links: JsonText | null
  readonly dropped_attributes_count: number
  readonly dropped_events_count: number
  readonly dropped_links_count: number
}
