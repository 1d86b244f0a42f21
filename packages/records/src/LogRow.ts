/**
 * One row of `logs`, whatever form the record came in: OTLP, GELF, JSON or an SNMP trap.
 */
import type { JsonText } from "./OcsfEventRow.ts"
import type { OtlpOrigin } from "./OtlpOrigin.ts"

/** A log record. What its source did not say is null; `id`, `tenant_id` and `created_at` are the table's to fill. */
export interface LogRow extends OtlpOrigin {
  /** When it happened, else when it was observed, else when the stream took it; to the millisecond. */
  readonly timestamp: Date
  /** The same in nanoseconds, where the source said so. */
  readonly time_unix_nano: bigint | null
  readonly observed_timestamp: Date | null
  /** Lower-case hexadecimal from OTLP; as it came from JSON. */
  readonly trace_id: string | null
  readonly span_id: string | null
  readonly trace_flags: number | null
  readonly severity_text: string | null
  /** On OTLP's scale, 1 to 24. */
  readonly severity_number: number | null
  readonly event_name: string | null
  readonly body: string | null
  /** Whether the body was no text, so that `body` is its JSON. */
  readonly body_is_json: boolean
  readonly attributes: JsonText | null
  /** How many attributes the sender left out. */
  readonly dropped_attributes_count: number
}
