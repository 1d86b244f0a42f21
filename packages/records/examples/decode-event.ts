import { DecodeError, decodeOcsfEvent } from "@bulkhead/records"

const payload = new TextEncoder().encode(
  '{"id":"0d1fa1b2-0000-4000-8000-000000000001","class_uid":1008,"category_uid":1,"type_uid":100801,"activity_id":0}'
)

const decoded = decodeOcsfEvent(payload, { now: new Date() })

export const outcome =
  decoded instanceof DecodeError ? `dead letter, ${decoded.reason}: ${decoded.message}` : `row ${decoded.id}`
