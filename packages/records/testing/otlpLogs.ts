/**
 * An OTLP request of logs as a collector sends it: one service, one scope, records of a web shop.
 */
import { LogRecord, LogsData } from "../src/generated/logs.ts"

const text = (stringValue: string) => ({ value: { $case: "stringValue" as const, value: stringValue } })
const attribute = (key: string, value: string) => ({ key, value: text(value) })

const none = LogRecord.decode(new Uint8Array(0))

/** A request of so many records in protobuf; `firstNanos` is the time of the first, a microsecond lies between two. */
export const otlpLogs = (records: number, firstNanos: bigint): Uint8Array => {
  const logRecords = Array.from({ length: records }, (_, index): LogRecord => {
    const timeUnixNano = firstNanos + BigInt(index) * 1_000n
    return {
      ...none,
      timeUnixNano,
      observedTimeUnixNano: timeUnixNano,
      severityNumber: index % 20 === 0 ? 17 : 9,
      severityText: index % 20 === 0 ? "ERROR" : "INFO",
      body: text(`order ${index} of customer ${index % 97} was shipped from warehouse ${index % 7}`),
      attributes: [
        attribute("http.request.method", "POST"),
        attribute("url.path", `/orders/${index}`),
        { key: "http.response.status_code", value: { value: { $case: "intValue", value: 200n } } }
      ],
      traceId: Uint8Array.from({ length: 16 }, (_, at) => (index * 31 + at * 7 + 1) & 0xff),
      spanId: Uint8Array.from({ length: 8 }, (_, at) => (index * 17 + at * 5 + 1) & 0xff)
    }
  })
  const resource = {
    attributes: [
      attribute("service.name", "shop"),
      attribute("service.version", "1.4.2"),
      attribute("host.name", "a1")
    ],
    droppedAttributesCount: 0,
    entityRefs: []
  }
  const scope = { name: "shop.orders", version: "1", attributes: [], droppedAttributesCount: 0 }
  const scopeLogs = [{ scope, schemaUrl: "", logRecords }]
  return LogsData.encode({ resourceLogs: [{ resource, schemaUrl: "", scopeLogs }] }).finish()
}
