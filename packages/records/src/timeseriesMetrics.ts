/**
 * Time series: the subjects `telemetry.>`, one sample in JSON or an array of them, the table `timeseries_metrics`.
 */
import { decoderOf } from "./internal/decoderOf.ts"
import { type JsonRecord, jsonRecords } from "./internal/JsonRecord.ts"
import { parseJson } from "./internal/parseJson.ts"
import { recordTable } from "./RecordTable.ts"
import type { TimeseriesMetricRow } from "./TimeseriesMetricRow.ts"

export const timeseriesMetrics = recordTable<TimeseriesMetricRow>({
  name: "timeseries_metrics",
  columns: {
    timestamp: "timestamptz",
    gateway_id: "text",
    agent_id: "text",
    metric_name: "text",
    metric_type: "text",
    device_id: "text",
    value: "float8",
    unit: "text",
    tags: "jsonb",
    partition: "text",
    scale: "float8",
    is_delta: "bool",
    target_device_ip: "text",
    if_index: "int8",
    metadata: "jsonb"
  },
  timeColumn: "timestamp"
})

/** Decodes a message of `telemetry.>` into rows of `timeseries_metrics`, one for each sample. */
export const timeseriesDecoder = decoderOf((message, rows) => {
  for (const record of jsonRecords(parseJson(message.data))) {
    rows.add(timeseriesMetrics, rowOf(record, message.timestamp))
  }
})

const UINT32_MAX = 2 ** 32 - 1

const rowOf = (record: JsonRecord, received: Date): TimeseriesMetricRow => {
  const columns = {
    timestamp: record.time("timestamp") ?? received,
    gateway_id: record.text("gateway_id", "gatewayId"),
    agent_id: record.text("agent_id", "agentId"),
    metric_name:
      record.text("metric_name", "metricName") ??
      record.fail("missing_field", "metric_name", "is missing: send the metric's name"),
    metric_type: record.text("metric_type", "metricType"),
    device_id: record.text("device_id", "deviceId"),
    value: record.number("value") ?? record.fail("missing_field", "value", "is missing: send a number"),
    unit: record.text("unit"),
    tags: record.json("tags"),
    partition: record.text("partition"),
    scale: record.number("scale"),
    is_delta: record.bool("is_delta", "isDelta"),
    target_device_ip: record.text("target_device_ip", "targetDeviceIp"),
    if_index: record.integer(0, UINT32_MAX, "if_index", "ifIndex")
  }
  return { ...columns, metadata: record.mergedJson("metadata") }
}
