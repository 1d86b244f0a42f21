/**
 * Traces: the subjects `otel.traces` and below. A payload is an OTLP request, in protobuf or JSON, or spans in plain
 * JSON, one or an array of them.
 */
import { decoderOf } from "./internal/decoderOf.ts"
import { isObject } from "./internal/JsonRecord.ts"
import { addJsonSpans } from "./internal/jsonSpans.ts"
import { addOtlpJsonSpans, addProtobufSpans } from "./internal/otlpSpans.ts"
import { jsonOf } from "./internal/readOtlp.ts"

/** Decodes a message of `otel.traces` or below into rows of `otel_traces`, one for each span. */
export const traceDecoder = decoderOf((message, rows) => {
  const json = jsonOf(message.data)
  if (json === undefined) addProtobufSpans(message, rows)
  else if (isObject(json.document) && ("resourceSpans" in json.document || "resource_spans" in json.document)) {
    addOtlpJsonSpans(json, message.timestamp, rows)
  } else addJsonSpans(json, message.timestamp, rows)
})
