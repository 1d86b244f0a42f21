/**
 * OCSF events: the subjects `events.>`, one JSON document a message, the table `ocsf_events`.
 */
import { DecodeError } from "./DecodeError.ts"
import type { Decoder } from "./Decoder.ts"
import { decodeOcsfEvent } from "./decodeOcsfEvent.ts"
import type { OcsfEventRow } from "./OcsfEventRow.ts"
import { recordTable } from "./RecordTable.ts"

export const ocsfEvents = recordTable<OcsfEventRow>({
  name: "ocsf_events",
  columns: {
    id: "uuid",
    time: "timestamptz",
    class_uid: "int4",
    category_uid: "int4",
    type_uid: "int4",
    activity_id: "int4",
    activity_name: "text",
    severity_id: "int4",
    severity: "text",
    message: "text",
    status_id: "int4",
    status: "text",
    status_code: "text",
    status_detail: "text",
    metadata: "jsonb",
    observables: "jsonb",
    trace_id: "text",
    span_id: "text",
    actor: "jsonb",
    device: "jsonb",
    src_endpoint: "jsonb",
    dst_endpoint: "jsonb",
    log_name: "text",
    log_provider: "text",
    log_level: "text",
    log_version: "text",
    unmapped: "jsonb",
    raw_data: "text"
  },
  timeColumn: "time"
})

/** Decodes a message of `events.>` into one row of `ocsf_events`. */
export const ocsfEventDecoder: Decoder = (message, rows) => {
  const row = decodeOcsfEvent(message.data, { now: message.timestamp })
  if (row instanceof DecodeError) return row
  rows.add(ocsfEvents, row)
  return undefined
}
