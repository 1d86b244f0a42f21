/**
 * The rows of metrics that a collector derived from spans, in JSON.
 */
import type { RowSink } from "../Decoder.ts"
import type { OtelMetricRow } from "../OtelMetricRow.ts"
import { otelMetrics } from "../otelMetrics.ts"
import { type JsonRecord, jsonRecords } from "./JsonRecord.ts"
import type { ParsedJson } from "./parseJson.ts"

export const addDerivedMetrics = (json: ParsedJson, received: Date, rows: RowSink): void => {
  for (const record of jsonRecords(json)) rows.add(otelMetrics, rowOf(record, received))
}

const rowOf = (record: JsonRecord, received: Date): OtelMetricRow => {
  const columns = {
    timestamp: record.time("timestamp", "time") ?? received,
    time_unix_nano: null,
    metric_type: record.text("metric_type"),
    metric_name: record.text("metric_name"),
    description: null,
    unit: record.text("unit"),
    start_time_unix_nano: null,
    flags: null,
    value: record.number("value"),
    value_int: null,
    is_monotonic: null,
    aggregation_temporality: null,
    count: null,
    sum: null,
    min: null,
    max: null,
    bucket_counts: null,
    explicit_bounds: null,
    scale: null,
    zero_count: null,
    zero_threshold: null,
    positive: null,
    negative: null,
    quantile_values: null,
    exemplars: null,
    metadata: null,
    trace_id: record.text("trace_id", "traceId"),
    span_id: record.text("span_id", "spanId"),
    span_name: record.text("span_name", "spanName"),
    span_kind: record.scalarText("span_kind", "spanKind"),
    duration_ms: record.number("duration_ms", "durationMs"),
    duration_seconds: record.number("duration_seconds", "durationSeconds"),
    http_method: record.text("http_method", "httpMethod"),
    http_route: record.text("http_route", "httpRoute"),
    http_status_code: record.scalarText("http_status_code", "httpStatusCode"),
    grpc_service: record.text("grpc_service", "grpcService"),
    grpc_method: record.text("grpc_method", "grpcMethod"),
    grpc_status_code: record.scalarText("grpc_status_code", "grpcStatusCode"),
    is_slow: record.bool("is_slow", "isSlow"),
    component: record.text("component"),
    level: record.scalarText("level"),
    service_name: record.text("service_name", "serviceName"),
    service_version: null,
    service_instance: null,
    scope_name: null,
    scope_version: null,
    scope_attributes: null,
    resource_attributes: null,
    otlp_details: null
  }
  return { ...columns, attributes: record.restJson() }
}
