/**
 * Metrics: the table `otel_metrics`.
 */

import type { OtelMetricRow } from "./OtelMetricRow.ts"
import { OTLP_ORIGIN_COLUMNS } from "./OtlpOrigin.ts"
import { recordTable } from "./RecordTable.ts"

export const otelMetrics = recordTable<OtelMetricRow>({
  name: "otel_metrics",
  columns: {
    timestamp: "timestamptz",
    time_unix_nano: "bigint",
    metric_type: "text",
    metric_name: "text",
    description: "text",
    unit: "text",
    attributes: "jsonb",
    start_time_unix_nano: "bigint",
    flags: "int8",
    value: "float8",
    value_int: "bigint",
    is_monotonic: "bool",
    aggregation_temporality: "int4",
    count: "bigint",
    sum: "float8",
    min: "float8",
    max: "float8",
    bucket_counts: "jsonb",
    explicit_bounds: "jsonb",
    scale: "int4",
    zero_count: "bigint",
    zero_threshold: "float8",
    positive: "jsonb",
    negative: "jsonb",
    quantile_values: "jsonb",
    exemplars: "jsonb",
    metadata: "jsonb",
    trace_id: "text",
    span_id: "text",
    span_name: "text",
    span_kind: "text",
    duration_ms: "float8",
    duration_seconds: "float8",
    http_method: "text",
    http_route: "text",
    http_status_code: "text",
    grpc_service: "text",
    grpc_method: "text",
    grpc_status_code: "text",
    is_slow: "bool",
    component: "text",
    level: "text",
    ...OTLP_ORIGIN_COLUMNS
  },
  timeColumn: "timestamp"
})
