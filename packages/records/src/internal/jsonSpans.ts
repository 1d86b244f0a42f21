/**
 * The rows of spans in plain JSON, with the names of the columns or in camel case.
 */
import type { RowSink } from "../Decoder.ts"
import type { OtelSpanRow } from "../OtelSpanRow.ts"
import { otelTraces } from "../otelTraces.ts"
import { type JsonRecord, jsonRecords } from "./JsonRecord.ts"
import { instant } from "./otlpTime.ts"
import type { ParsedJson } from "./parseJson.ts"
import { preview } from "./preview.ts"

export const addJsonSpans = (json: ParsedJson, received: Date, rows: RowSink): void => {
  for (const record of jsonRecords(json)) rows.add(otelTraces, rowOf(record, received))
}

const KINDS = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]
const STATUSES = ["UNSET", "OK", "ERROR"]

const rowOf = (record: JsonRecord, received: Date): OtelSpanRow => {
  const start = record.bigint("start_time_unix_nano", "startTimeUnixNano")
  const end = record.bigint("end_time_unix_nano", "endTimeUnixNano")
  const time = start ?? end
  return {
    timestamp: record.time("timestamp") ?? (time === null ? received : instant(time)),
    trace_id: record.text("trace_id", "traceId") ?? missing(record, "trace_id"),
    span_id: record.text("span_id", "spanId") ?? missing(record, "span_id"),
    parent_span_id: record.text("parent_span_id", "parentSpanId"),
    trace_state: record.text("trace_state", "traceState"),
    flags: record.integer(0, UINT32_MAX, "flags"),
    name: record.text("name", "span_name", "spanName"),
    kind: enumerated(record, KINDS, "SPAN_KIND_", "kind", "span_kind", "spanKind"),
    start_time_unix_nano: start,
    end_time_unix_nano: end,
    status_code: enumerated(record, STATUSES, "STATUS_CODE_", "status_code", "statusCode"),
    status_message: record.text("status_message", "statusMessage"),
    events: record.json("events"),
    links: record.json("links"),
    dropped_attributes_count: record.integer(0, UINT32_MAX, "dropped_attributes_count") ?? 0,
    dropped_events_count: record.integer(0, UINT32_MAX, "dropped_events_count") ?? 0,
    dropped_links_count: record.integer(0, UINT32_MAX, "dropped_links_count") ?? 0,
    service_name: record.text("service_name", "serviceName"),
    service_version: record.text("service_version", "serviceVersion"),
    service_instance: record.text("service_instance", "serviceInstance"),
    scope_name: record.text("scope_name", "scopeName"),
    scope_version: record.text("scope_version", "scopeVersion"),
    scope_attributes: null,
    resource_attributes: record.json("resource_attributes", "resourceAttributes"),
    otlp_details: null,
    attributes: record.mergedJson("attributes")
  }
}

const UINT32_MAX = 2 ** 32 - 1
const INT32_MAX = 2 ** 31 - 1

const missing = (record: JsonRecord, name: string): never =>
  record.fail("missing_field", name, "is missing: send the span's ids")

/** A number, or one of its names with or without the prefix. */
const enumerated = (
  record: JsonRecord,
  values: ReadonlyArray<string>,
  prefix: string,
  ...names: ReadonlyArray<string>
): number | null => {
  const name = record.nameOf(names)
  const sent = name === undefined ? undefined : record.value(name)
  if (name === undefined || typeof sent !== "string") return record.integer(0, INT32_MAX, ...names) || null
  const value = values.indexOf(sent.toUpperCase().replace(prefix, ""))
  if (value < 0) return record.fail("invalid_field", name, `${preview(sent)} is none of ${values.join(", ")}: send one`)
  record.take(name)
  return value || null
}
