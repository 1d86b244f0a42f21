/**
 * The rows of logs in JSON: GELF, what rules make of OTLP, internal logs, SNMP traps, and whatever else a publisher
 * writes as an object. A field has a column or stays in `attributes`; nothing is lost but what the README lists.
 */
import type { ReceivedMessage, RowSink } from "../Decoder.ts"
import type { LogRow } from "../LogRow.ts"
import { logs } from "../logs.ts"
import type { JsonText } from "../OcsfEventRow.ts"
import { isObject, type JsonRecord, jsonRecords } from "./JsonRecord.ts"
import { isRawNumber, type ParsedJson } from "./parseJson.ts"
import { isOtlpSeverity, SEVERITY_UNSET, type Severity, severityOf, severityOfOtlpNumber } from "./severity.ts"
import { COMMUNITY, isTrap, trapHost, trapText } from "./snmpTrap.ts"

const TIMES = ["timestamp", "time", "ts", "@timestamp"]
const BODIES = ["message", "short_message", "msg", "body", "event", "log", "summary"]
const SERVICES = ["service.name", "service_name", "service"]
const SEVERITIES = ["severity_text", "severity", "level"]

export const addJsonLogs = (json: ParsedJson, message: ReceivedMessage, rows: RowSink): void => {
  for (const record of jsonRecords(json)) rows.add(logs, rowOf(record, message))
}

const rowOf = (record: JsonRecord, message: ReceivedMessage): LogRow => {
  const time_unix_nano = nanosOf(record)
  const body = bodyOf(record, message.subject)
  const severity = severityIn(record)
  const resource = record.inner("resource") ?? record.inner("resource_attributes")
  const scope = record.inner("scope")
  const columns = {
    timestamp: record.time(...TIMES) ?? message.timestamp,
    time_unix_nano,
    observed_timestamp: record.time("observed_timestamp", "observed_time"),
    trace_id: record.textIfAny("trace_id", "traceId"),
    span_id: record.textIfAny("span_id", "spanId"),
    trace_flags: null,
    severity_text: severity.text,
    severity_number: severity.number,
    event_name: record.textIfAny("event_name"),
    body: body.text,
    body_is_json: body.isJson,
    dropped_attributes_count: 0,
    service_name: record.textIfAny(...SERVICES) ?? resource?.textIfAny("service.name") ?? hostOf(record),
    service_version: textOf("service.version", "service_version", record, resource),
    service_instance: textOf("service.instance.id", "service_instance", record, resource),
    scope_name: record.textIfAny("scope", "scope_name") ?? scope?.textIfAny("name") ?? null,
    scope_version: record.textIfAny("scope_version") ?? scope?.textIfAny("version") ?? null,
    // A scope that is an object stays with the attributes whole.
    scope_attributes: null,
    resource_attributes: resource === undefined ? null : objectUnder(record, "resource", "resource_attributes"),
    otlp_details: null
  }
  return { ...columns, attributes: attributesOf(record) }
}

const textOf = (name: string, other: string, record: JsonRecord, resource: JsonRecord | undefined): string | null =>
  record.textIfAny(name, other) ?? resource?.textIfAny(name) ?? null

/** The first of the names under which an object stands, as JSON text. */
const objectUnder = (record: JsonRecord, ...names: ReadonlyArray<string>): JsonText | null => {
  const name = names.find((one) => isObject(record.value(one)))
  return name === undefined ? null : record.json(name)
}

/** An integer of nanoseconds, which a double and so the time beside it would cut. */
const nanosOf = (record: JsonRecord): bigint | null => {
  const value = record.value(record.nameOf(TIMES) ?? "")
  const nanos = isRawNumber(value) ? BigInt(value.rawJSON) : 0n
  return nanos > NANOS_MIN && nanos < 2n ** 63n ? nanos : null
}

/** Above it, a number is nanoseconds. */
const NANOS_MIN = 10n ** 18n

interface Body {
  readonly text: string | null
  readonly isJson: boolean
}

const bodyOf = (record: JsonRecord, subject: string): Body => {
  const text = record.textIfAny(...BODIES)
  if (text !== null) return { text, isJson: false }
  if (isTrap(record)) return { text: trapText(record), isJson: false }
  const body = record.value("body")
  if (body === undefined || body === null || body === "") return { text: subject, isJson: false }
  const json = record.jsonText(["body"], body)
  record.take("body")
  return { text: json, isJson: true }
}

/** A number on OTLP's scale counts as it is; a word or a level of syslog is translated and stays with the attributes. */
const severityIn = (record: JsonRecord): Severity => {
  const number = record.value("severity_number")
  const text = record.value("severity_text")
  if (isOtlpSeverity(number)) {
    record.take("severity_number")
    const ownText = typeof text === "string" && text !== "" ? record.textIfAny("severity_text") : null
    return { text: ownText ?? severityOfOtlpNumber(number).text, number }
  }
  const name = record.nameOf(SEVERITIES)
  return (name === undefined ? undefined : severityOf(record.value(name))) ?? SEVERITY_UNSET
}

/** The host stands in for a service, and stays with the attributes. A trap's is that of its sender. */
const hostOf = (record: JsonRecord): string | null => {
  const host = record.value("host")
  if (typeof host === "string" && host !== "") return record.storable("host", host)
  return isTrap(record) ? trapHost(record) : null
}

/** What has no column. */
const attributesOf = (record: JsonRecord): JsonText | null => {
  if (isTrap(record)) record.take(COMMUNITY)
  return record.mergedJson("attributes")
}
