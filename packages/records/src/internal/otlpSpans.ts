/**
 * The rows of an OTLP request of traces: one for each span.
 */
import type { ReceivedMessage, RowSink } from "../Decoder.ts"
import { type Span, type Span_Event, type Span_Link, TracesData } from "../generated/trace.ts"
import type { JsonText } from "../OcsfEventRow.ts"
import type { OtelSpanRow } from "../OtelSpanRow.ts"
import type { OtlpOrigin } from "../OtlpOrigin.ts"
import { otelTraces } from "../otelTraces.ts"
import { attributesJson } from "./anyValueJson.ts"
import { otlpOrigin, SharedTexts } from "./otlpOrigin.ts"
import { hexId, instant, nanos } from "./otlpTime.ts"
import type { ParsedJson } from "./parseJson.ts"
import { MessageShape } from "./protobuf/MessageShape.ts"
import { readProtoJson } from "./protobuf/readProtoJson.ts"
import { readProtobuf } from "./readOtlp.ts"

const shape = MessageShape.of("opentelemetry.proto.trace.v1.TracesData")

export const addProtobufSpans = (message: ReceivedMessage, rows: RowSink): void =>
  addRows(readProtobuf(shape, TracesData, message.data), message.timestamp, rows)

export const addOtlpJsonSpans = (json: ParsedJson, received: Date, rows: RowSink): void =>
  addRows(readProtoJson<TracesData>(shape, json), received, rows)

const addRows = (data: TracesData, received: Date, rows: RowSink): void => {
  const shared = new SharedTexts()
  for (const { resource, scopeSpans, schemaUrl } of data.resourceSpans) {
    for (const { scope, spans, schemaUrl: scopeSchemaUrl } of scopeSpans) {
      const origin = otlpOrigin({ value: resource, schemaUrl }, { value: scope, schemaUrl: scopeSchemaUrl })
      shared.addOrigin(spans.length, origin)
      for (const span of spans) rows.add(otelTraces, rowOf(span, origin, received))
    }
  }
}

const rowOf = (span: Span, origin: OtlpOrigin, received: Date): OtelSpanRow => {
  const start = nanos(span.startTimeUnixNano, "startTimeUnixNano")
  const end = nanos(span.endTimeUnixNano, "endTimeUnixNano")
  const time = start ?? end
  return {
    timestamp: time === null ? received : instant(time),
    trace_id: hexId(span.traceId),
    span_id: hexId(span.spanId),
    parent_span_id: hexId(span.parentSpanId),
    trace_state: span.traceState || null,
    flags: span.flags || null,
    name: span.name || null,
    kind: span.kind || null,
    start_time_unix_nano: start,
    end_time_unix_nano: end,
    status_code: span.status?.code || null,
    status_message: span.status?.message || null,
    attributes: attributesJson(span.attributes),
    events: listJson(span.events, eventJson),
    links: listJson(span.links, linkJson),
    dropped_attributes_count: span.droppedAttributesCount,
    dropped_events_count: span.droppedEventsCount,
    dropped_links_count: span.droppedLinksCount,
    service_name: origin.service_name,
    service_version: origin.service_version,
    service_instance: origin.service_instance,
    scope_name: origin.scope_name,
    scope_version: origin.scope_version,
    scope_attributes: origin.scope_attributes,
    resource_attributes: origin.resource_attributes,
    otlp_details: origin.otlp_details
  }
}

const listJson = <Value>(values: ReadonlyArray<Value>, json: (value: Value) => JsonText): JsonText | null =>
  values.length === 0 ? null : `[${values.map(json).join()}]`

const eventJson = ({ timeUnixNano, name, attributes, droppedAttributesCount }: Span_Event): JsonText =>
  `{"time_unix_nano":${timeUnixNano},"name":${JSON.stringify(name)},"attributes":${attributesJson(attributes) ?? "{}"},"dropped_attributes_count":${droppedAttributesCount}}`

const linkJson = ({ traceId, spanId, traceState, flags, attributes, droppedAttributesCount }: Span_Link): JsonText =>
  `{"trace_id":${JSON.stringify(hexId(traceId))},"span_id":${JSON.stringify(hexId(spanId))},"trace_state":${JSON.stringify(traceState)},"flags":${flags},"attributes":${attributesJson(attributes) ?? "{}"},"dropped_attributes_count":${droppedAttributesCount}}`
