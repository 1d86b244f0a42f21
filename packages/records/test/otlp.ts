import type { AnyValue, KeyValue } from "../src/generated/common.ts"
import { LogRecord, type LogsData } from "../src/generated/logs.ts"

export const text = (value: string): AnyValue => ({ value: { $case: "stringValue", value } })
export const attribute = (key: string, value: AnyValue["value"]): KeyValue => ({ key, value: { value } })

export const resource = {
  attributes: [attribute("service.name", text("shop").value), attribute("service.version", text("1.2").value)],
  droppedAttributesCount: 0,
  entityRefs: []
}

export const scope = {
  name: "cart",
  version: "0.1",
  attributes: [attribute("s", { $case: "boolValue", value: true })],
  droppedAttributesCount: 3
}

const noLogRecord = LogRecord.decode(new Uint8Array(0))

export const logRecord = (fields: Partial<LogRecord>): LogRecord => ({ ...noLogRecord, ...fields })

export const logRequest = (logRecords: Array<LogRecord>): LogsData => ({
  resourceLogs: [
    {
      resource: { ...resource, attributes: [...resource.attributes] },
      schemaUrl: "https://a",
      scopeLogs: [{ scope, schemaUrl: "", logRecords }]
    }
  ]
})
