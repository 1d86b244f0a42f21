/**
 * The rows of an OTLP request of metrics: one for each point, of all five kinds.
 */
import type { ReceivedMessage, RowSink } from "../Decoder.ts"
import {
  type Exemplar,
  type ExponentialHistogramDataPoint,
  type ExponentialHistogramDataPoint_Buckets,
  type HistogramDataPoint,
  type Metric,
  MetricsData,
  type NumberDataPoint,
  type SummaryDataPoint
} from "../generated/metrics.ts"
import type { JsonText } from "../OcsfEventRow.ts"
import type { OtelMetricRow, PointKind } from "../OtelMetricRow.ts"
import type { OtlpOrigin } from "../OtlpOrigin.ts"
import { otelMetrics } from "../otelMetrics.ts"
import { attributesJson, doubleJson } from "./anyValueJson.ts"
import { otlpOrigin, SharedTexts } from "./otlpOrigin.ts"
import { hexId, instant, int64, nanos } from "./otlpTime.ts"
import type { ParsedJson } from "./parseJson.ts"
import { MessageShape } from "./protobuf/MessageShape.ts"
import { readProtoJson } from "./protobuf/readProtoJson.ts"
import { readProtobuf } from "./readOtlp.ts"

const shape = MessageShape.of("opentelemetry.proto.metrics.v1.MetricsData")

export const addProtobufMetrics = (message: ReceivedMessage, rows: RowSink): void =>
  addRows(readProtobuf(shape, MetricsData, message.data), message.timestamp, rows)

export const addOtlpJsonMetrics = (json: ParsedJson, received: Date, rows: RowSink): void =>
  addRows(readProtoJson<MetricsData>(shape, json), received, rows)

const addRows = (data: MetricsData, received: Date, rows: RowSink): void => {
  const shared = new SharedTexts()
  for (const { resource, scopeMetrics, schemaUrl } of data.resourceMetrics) {
    for (const { scope, metrics, schemaUrl: scopeSchemaUrl } of scopeMetrics) {
      const origin = otlpOrigin({ value: resource, schemaUrl }, { value: scope, schemaUrl: scopeSchemaUrl })
      for (const metric of metrics) addMetric(metric, origin, received, shared, rows)
    }
  }
}

const addMetric = (metric: Metric, origin: OtlpOrigin, received: Date, shared: SharedTexts, rows: RowSink): void => {
  const data = metric.data
  if (data === undefined) return
  const base = baseOf(metric, KINDS[data.$case], origin)
  const points = data.value.dataPoints.length
  shared.addOrigin(points, origin)
  shared.add(points, [base.metric_name, base.description, base.unit, base.metadata])
  const add = (point: AnyPoint, fields: Partial<OtelMetricRow>): void =>
    rows.add(otelMetrics, { ...base, ...timesOf(point, received), ...fields })
  switch (data.$case) {
    case "gauge":
      for (const point of data.value.dataPoints) add(point, numberFields(point))
      break
    case "sum": {
      const { isMonotonic, aggregationTemporality, dataPoints } = data.value
      const kind = { is_monotonic: isMonotonic, aggregation_temporality: aggregationTemporality }
      for (const point of dataPoints) add(point, { ...kind, ...numberFields(point) })
      break
    }
    case "histogram": {
      const kind = { aggregation_temporality: data.value.aggregationTemporality }
      for (const point of data.value.dataPoints) add(point, { ...kind, ...histogramFields(point) })
      break
    }
    case "exponentialHistogram": {
      const kind = { aggregation_temporality: data.value.aggregationTemporality }
      for (const point of data.value.dataPoints) add(point, { ...kind, ...exponentialFields(point) })
      break
    }
    case "summary":
      for (const point of data.value.dataPoints) add(point, summaryFields(point))
  }
}

type AnyPoint = NumberDataPoint | HistogramDataPoint | ExponentialHistogramDataPoint | SummaryDataPoint

const KINDS: Readonly<Record<NonNullable<Metric["data"]>["$case"], PointKind>> = {
  gauge: "gauge",
  sum: "sum",
  histogram: "histogram",
  exponentialHistogram: "exponential_histogram",
  summary: "summary"
}

/** What all points of a metric have in common, and null for all that their kind lacks. */
const baseOf = (metric: Metric, kind: PointKind, origin: OtlpOrigin): OtelMetricRow => ({
  // Each point overwrites it.
  timestamp: new Date(0),
  time_unix_nano: null,
  metric_type: kind,
  metric_name: metric.name || null,
  description: metric.description || null,
  unit: metric.unit || null,
  attributes: null,
  start_time_unix_nano: null,
  flags: null,
  value: null,
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
  metadata: attributesJson(metric.metadata),
  trace_id: null,
  span_id: null,
  span_name: null,
  span_kind: null,
  duration_ms: null,
  duration_seconds: null,
  http_method: null,
  http_route: null,
  http_status_code: null,
  grpc_service: null,
  grpc_method: null,
  grpc_status_code: null,
  is_slow: null,
  component: null,
  level: null,
  ...origin
})

const timesOf = (point: AnyPoint, received: Date) => {
  const time = nanos(point.timeUnixNano, "timeUnixNano")
  return {
    timestamp: time === null ? received : instant(time),
    time_unix_nano: time,
    start_time_unix_nano: nanos(point.startTimeUnixNano, "startTimeUnixNano"),
    flags: point.flags || null,
    attributes: attributesJson(point.attributes)
  }
}

const numberFields = (point: NumberDataPoint): Partial<OtelMetricRow> => ({
  value: point.value === undefined ? null : Number(point.value.value),
  value_int: point.value?.$case === "asInt" ? point.value.value : null,
  exemplars: exemplarsJson(point.exemplars)
})

const histogramFields = (point: HistogramDataPoint): Partial<OtelMetricRow> => ({
  count: int64(point.count, "count"),
  sum: point.sum ?? null,
  min: point.min ?? null,
  max: point.max ?? null,
  bucket_counts: listJson(point.bucketCounts),
  explicit_bounds: listJson(point.explicitBounds.map(doubleJson)),
  exemplars: exemplarsJson(point.exemplars)
})

const exponentialFields = (point: ExponentialHistogramDataPoint): Partial<OtelMetricRow> => ({
  count: int64(point.count, "count"),
  sum: point.sum ?? null,
  min: point.min ?? null,
  max: point.max ?? null,
  scale: point.scale,
  zero_count: int64(point.zeroCount, "zeroCount"),
  zero_threshold: point.zeroThreshold,
  positive: bucketsJson(point.positive),
  negative: bucketsJson(point.negative),
  exemplars: exemplarsJson(point.exemplars)
})

const summaryFields = (point: SummaryDataPoint): Partial<OtelMetricRow> => ({
  count: int64(point.count, "count"),
  sum: point.sum,
  quantile_values: listJson(
    point.quantileValues.map(
      ({ quantile, value }) => `{"quantile":${doubleJson(quantile)},"value":${doubleJson(value)}}`
    )
  )
})

const listJson = (values: ReadonlyArray<string | bigint>): JsonText | null =>
  values.length === 0 ? null : `[${values.join()}]`

const bucketsJson = (buckets: ExponentialHistogramDataPoint_Buckets | undefined): JsonText | null =>
  buckets === undefined ? null : `{"offset":${buckets.offset},"bucket_counts":[${buckets.bucketCounts.join()}]}`

const exemplarsJson = (exemplars: ReadonlyArray<Exemplar>): JsonText | null => listJson(exemplars.map(exemplarJson))

const exemplarJson = ({ timeUnixNano, value, spanId, traceId, filteredAttributes }: Exemplar): JsonText => {
  const number = value === undefined ? "null" : value.$case === "asInt" ? String(value.value) : doubleJson(value.value)
  const ids = `"trace_id":${JSON.stringify(hexId(traceId))},"span_id":${JSON.stringify(hexId(spanId))}`
  const attributes = attributesJson(filteredAttributes) ?? "{}"
  return `{"time_unix_nano":${timeUnixNano},"value":${number},${ids},"filtered_attributes":${attributes}}`
}
