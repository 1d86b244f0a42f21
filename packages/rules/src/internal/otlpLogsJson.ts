/**
 * A request of OTLP logs as the JSON that rules decide on: one object for each record.
 */
import {
  type DecodeError,
  type LogRow,
  logDecoder,
  logs,
  type ReceivedMessage,
  type RecordTable
} from "@bulkhead/records"

/** A field whose value is JSON text already. */
const field = (name: string, json: string | null | undefined): ReadonlyArray<string> =>
  json === null || json === undefined ? [] : [`${JSON.stringify(name)}:${json}`]

const text = (value: string | null): string | null => (value === null ? null : JSON.stringify(value))
const number = (value: number | bigint | null): string | null => (value === null ? null : String(value))
const time = (value: Date | null): string | null => (value === null ? null : JSON.stringify(value.toISOString()))

const scopeJson = (row: LogRow): string | null => {
  const fields = [...field("name", text(row.scope_name)), ...field("version", text(row.scope_version))]
  return fields.length === 0 ? null : `{${fields.join()}}`
}

const recordJson = (row: LogRow): string =>
  `{${[
    ...field("timestamp", time(row.timestamp)),
    ...field("time_unix_nano", row.time_unix_nano === null ? null : `"${row.time_unix_nano}"`),
    ...field("observed_timestamp", time(row.observed_timestamp)),
    ...field("trace_id", text(row.trace_id)),
    ...field("span_id", text(row.span_id)),
    ...field("severity_text", text(row.severity_text)),
    ...field("severity_number", number(row.severity_number)),
    ...field("event_name", text(row.event_name)),
    ...field("body", row.body_is_json ? row.body : text(row.body)),
    ...field("service_name", text(row.service_name)),
    ...field("service_version", text(row.service_version)),
    ...field("service_instance", text(row.service_instance)),
    ...field("scope", scopeJson(row)),
    ...field("resource", row.resource_attributes),
    ...field("attributes", row.attributes)
  ].join()}}`

const encoder = new TextEncoder()

/** An object for one record, an array for many; or why the payload is no such request. */
export const otlpLogsJson = (message: ReceivedMessage): Uint8Array | DecodeError => {
  const records: Array<string> = []
  const problem = logDecoder(message, {
    add: <Row extends object>(table: RecordTable<Row>, row: Row) => {
      if (Object.is(table, logs)) records.push(recordJson(row as unknown as LogRow))
    }
  })
  if (problem !== undefined) return problem
  return encoder.encode(records.length === 1 ? records[0] : `[${records.join()}]`)
}
