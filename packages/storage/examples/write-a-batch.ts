import { DEFAULT_TENANT } from "@bulkhead/channels"
import { DecodeError, decodeOcsfEvent, ocsfEvents } from "@bulkhead/records"
import { LaneStore, migrateControlSchema, TenantSchemas } from "@bulkhead/storage"
import { Effect } from "effect"

const payload = new TextEncoder().encode(
  '{"id":"0d1fa1b2-0000-4000-8000-000000000001","class_uid":1008,"category_uid":1,"type_uid":100801,"activity_id":1}'
)

/** Writes the message with the sequence after the watermark, and gives the new watermark. */
export const writeOne = Effect.gen(function* () {
  yield* migrateControlSchema
  yield* (yield* TenantSchemas).provision(DEFAULT_TENANT)
  const lanes = yield* LaneStore
  const { lane, watermark: from } = yield* lanes.open(DEFAULT_TENANT, "events-default@2026-11-24T00:00:00Z")
  const message = {
    sequence: from + 1,
    subject: "events.poller.health",
    headers: {},
    payload,
    receivedAt: new Date()
  }
  const decoded = decodeOcsfEvent(message.payload, { now: message.receivedAt })
  const isRow = !(decoded instanceof DecodeError)
  yield* lanes.commit({
    tenant: DEFAULT_TENANT,
    lane,
    from,
    to: message.sequence,
    tables: isRow ? [{ table: ocsfEvents, rows: [decoded], sequences: [message.sequence] }] : [],
    deadLetters: isRow ? [] : [{ ...message, reason: decoded.reason, detail: decoded.message }],
    messageAt: () => message
  })
  return message.sequence
})
