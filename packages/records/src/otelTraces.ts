/**
 * Spans: the table `otel_traces`.
 */

import type { OtelSpanRow } from "./OtelSpanRow.ts"
import { OTLP_ORIGIN_COLUMNS } from "./OtlpOrigin.ts"
import { recordTable } from "./RecordTable.ts"

export const otelTraces = recordTable<OtelSpanRow>({
  name: "otel_traces",
  columns: {
    timestamp: "timestamptz",
    trace_id: "text",
    span_id: "text",
    parent_span_id: "text",
    trace_state: "text",
    flags: "int8",
    name: "text",
    kind: "int4",
    start_time_unix_nano: "bigint",
    end_time_unix_nano: "bigint",
    status_code: "int4",
    status_message: "text",
    attributes: "jsonb",
    events: "jsonb",
    links: "jsonb",
    dropped_attributes_count: "int8",
    dropped_events_count: "int8",
    dropped_links_count: "int8",
    ...OTLP_ORIGIN_COLUMNS
  },
  timeColumn: "timestamp"
})
