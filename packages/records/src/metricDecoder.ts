/**
 * Metrics: the subjects `otel.metrics.>` and `otel.metrics`. A payload is an OTLP request, in protobuf or JSON, or JSON
 * metrics that a collector derived from spans, one or an array of them.
 */
import { decoderOf } from "./internal/decoderOf.ts"
import { addDerivedMetrics } from "./internal/derivedMetrics.ts"
import { isObject } from "./internal/JsonRecord.ts"
import { addOtlpJsonMetrics, addProtobufMetrics } from "./internal/otlpMetrics.ts"
import { jsonOf } from "./internal/readOtlp.ts"

/** Decodes a message of `otel.metrics` or below into rows of `otel_metrics`, one for each point. */
export const metricDecoder = decoderOf((message, rows) => {
  const json = jsonOf(message.data)
  if (json === undefined) addProtobufMetrics(message, rows)
  else if (isObject(json.document) && ("resourceMetrics" in json.document || "resource_metrics" in json.document)) {
    addOtlpJsonMetrics(json, message.timestamp, rows)
  } else addDerivedMetrics(json, message.timestamp, rows)
})
