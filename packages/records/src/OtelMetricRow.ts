/**
 * One row of `otel_metrics`: a point of an OTLP metric, or a metric that a collector derived from a span.
 */
import type { JsonText } from "./OcsfEventRow.ts"
import type { OtlpOrigin } from "./OtlpOrigin.ts"

export type PointKind = "gauge" | "sum" | "histogram" | "exponential_histogram" | "summary"

/** What its kind does not have is null. */
export interface OtelMetricRow extends OtlpOrigin {
  readonly timestamp: Date
  readonly time_unix_nano: bigint | null
  /** A `PointKind`, or the kind of a derived metric: `span`, `http`, `grpc`, `slow_span`. */
  readonly metric_type: string | null
  readonly metric_name: string | null
  readonly description: string | null
  readonly unit: string | null
  readonly attributes: JsonText | null
  readonly start_time_unix_nano: bigint | null
  readonly flags: number | null

  // Gauges and sums. An integer stands in both.
  readonly value: number | null
  readonly value_int: bigint | null
  readonly is_monotonic: boolean | null
  /** 1 delta, 2 cumulative, as in OTLP. */
  readonly aggregation_temporality: number | null

  // Histograms and summaries.
  readonly count: bigint | null
  readonly sum: number | null
  readonly min: number | null
  readonly max: number | null
  readonly bucket_counts: JsonText | null
  readonly explicit_bounds: JsonText | null
  readonly scale: number | null
  readonly zero_count: bigint | null
  readonly zero_threshold: number | null
  /** `{"offset":…,"bucket_counts":[…]}` */
  readonly positive: JsonText | null
  readonly negative: JsonText | null
  /** `[{"quantile":…,"value":…}]` */
  readonly quantile_values: JsonText | null
  readonly exemplars: JsonText | null
  readonly metadata: JsonText | null

  // Metrics derived from spans.
  readonly trace_id: string | null
  readonly span_id: string | null
  readonly span_name: string | null
  readonly span_kind: string | null
  readonly duration_ms: number | null
  readonly duration_seconds: number | null
  readonly http_method: string | null
  readonly http_route: string | null
  readonly http_status_code: string | null
  readonly grpc_service: string | null
  readonly grpc_method: string | null
  readonly grpc_status_code: string | null
  readonly is_slow: boolean | null
  readonly component: string | null
  readonly level: string | null
}
