/**
 * The rows of an OTLP request of logs.
 */
import type { ReceivedMessage, RowSink } from "../Decoder.ts"
import { type LogRecord, LogsData } from "../generated/logs.ts"
import type { LogRow } from "../LogRow.ts"
import { logs } from "../logs.ts"
import type { OtlpOrigin } from "../OtlpOrigin.ts"
import { anyValueJson, attributesJson } from "./anyValueJson.ts"
import { otlpOrigin, SharedTexts } from "./otlpOrigin.ts"
import { hexId, instant, nanos } from "./otlpTime.ts"
import type { ParsedJson } from "./parseJson.ts"
import { MessageShape } from "./protobuf/MessageShape.ts"
import { readProtoJson } from "./protobuf/readProtoJson.ts"
import { readProtobuf } from "./readOtlp.ts"

const shape = MessageShape.of("opentelemetry.proto.logs.v1.LogsData")

export const addProtobufLogs = (message: ReceivedMessage, rows: RowSink): void =>
  addRows(readProtobuf(shape, LogsData, message.data), message.timestamp, rows)

export const addOtlpJsonLogs = (json: ParsedJson, received: Date, rows: RowSink): void =>
  addRows(readProtoJson<LogsData>(shape, json), received, rows)

const addRows = (data: LogsData, received: Date, rows: RowSink): void => {
  const shared = new SharedTexts()
  for (const { resource, scopeLogs, schemaUrl } of data.resourceLogs) {
    for (const { scope, logRecords, schemaUrl: scopeSchemaUrl } of scopeLogs) {
      const origin = otlpOrigin({ value: resource, schemaUrl }, { value: scope, schemaUrl: scopeSchemaUrl })
      shared.addOrigin(logRecords.length, origin)
      for (const record of logRecords) rows.add(logs, rowOf(record, origin, received))
    }
  }
}

const rowOf = (record: LogRecord, origin: OtlpOrigin, received: Date): LogRow => {
  const time = nanos(record.timeUnixNano, "timeUnixNano")
  const observed = nanos(record.observedTimeUnixNano, "observedTimeUnixNano")
  const known = time ?? observed
  const body = record.body?.value
  const isText = body === undefined || body.$case === "stringValue"
  return {
    timestamp: known === null ? received : instant(known),
    time_unix_nano: known,
    observed_timestamp: observed === null ? null : instant(observed),
    trace_id: hexId(record.traceId),
    span_id: hexId(record.spanId),
    trace_flags: record.flags || null,
    severity_text: record.severityText || null,
    severity_number: record.severityNumber || null,
    event_name: record.eventName || null,
    body: body?.$case === "stringValue" ? body.value : body === undefined ? null : anyValueJson(record.body),
    body_is_json: !isText,
    attributes: attributesJson(record.attributes),
    dropped_attributes_count: record.droppedAttributesCount,
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
