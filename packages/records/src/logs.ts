/**
 * Logs: the table `logs`, which takes records of all forms.
 */
import type { LogRow } from "./LogRow.ts"
import { OTLP_ORIGIN_COLUMNS } from "./OtlpOrigin.ts"
import { recordTable } from "./RecordTable.ts"

export const logs = recordTable<LogRow>({
  name: "logs",
  columns: {
    timestamp: "timestamptz",
    time_unix_nano: "bigint",
    observed_timestamp: "timestamptz",
    trace_id: "text",
    span_id: "text",
    trace_flags: "int8",
    severity_text: "text",
    severity_number: "int4",
    event_name: "text",
    body: "text",
    body_is_json: "bool",
    attributes: "jsonb",
    dropped_attributes_count: "int8",
    ...OTLP_ORIGIN_COLUMNS
  },
  timeColumn: "timestamp"
})
