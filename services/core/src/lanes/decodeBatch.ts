import type { StreamMessage } from "@bulkhead/nats"
import { DecodeError, decodeOcsfEvent, type OcsfEventRow } from "@bulkhead/records"
import type { DeadLetter, StoredMessage } from "@bulkhead/storage"

/** A batch of messages, sorted into rows and into what can never be a row. */
export interface DecodedBatch {
  readonly events: ReadonlyArray<OcsfEventRow>
  readonly deadLetters: ReadonlyArray<DeadLetter>
  /** The message behind `events[index]`. */
  readonly messageOf: (index: number) => StoredMessage
}

const storedMessage = (message: StreamMessage): StoredMessage => ({
  sequence: message.sequence,
  subject: message.subject,
  headers: message.headers,
  payload: message.data,
  receivedAt: message.timestamp
})

/** Decodes OCSF events in stream order; plain code, because it runs once a message. */
export const decodeBatch = (messages: ReadonlyArray<StreamMessage>): DecodedBatch => {
  const events: Array<OcsfEventRow> = []
  const sources: Array<StreamMessage> = []
  const deadLetters: Array<DeadLetter> = []
  for (const message of messages) {
    const row = decodeOcsfEvent(message.data, { now: message.timestamp })
    if (row instanceof DecodeError) {
      deadLetters.push({ ...storedMessage(message), reason: row.reason, detail: row.message })
    } else {
      events.push(row)
      sources.push(message)
    }
  }
  return { events, deadLetters, messageOf: (index) => storedMessage(sources[index] as StreamMessage) }
}
