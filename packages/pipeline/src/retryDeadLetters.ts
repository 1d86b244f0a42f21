/**
 * Tries dead letters again, after the decoder or the database was corrected: the decoder of their kind sees each
 * message as it came from the stream.
 */
import type { TenantSlug } from "@bulkhead/channels"
import type { StreamMessage } from "@bulkhead/nats"
import type { Decoder } from "@bulkhead/records"
import { type DeadLetterSelection, DeadLetters, type StoredMessage } from "@bulkhead/storage"
import { Effect } from "effect"
import { BatchDecoding } from "./BatchDecoding.ts"

const streamMessage = ({ sequence, subject, headers, payload, receivedAt }: StoredMessage): StreamMessage => ({
  sequence,
  subject,
  headers,
  data: payload,
  timestamp: receivedAt
})

/** In one go: the store hands out as much as one transaction holds, which is little. */
const decodeAtOnce = (messages: ReadonlyArray<StreamMessage>, decode: Decoder) => {
  const decoding = new BatchDecoding(messages, decode)
  while (!decoding.isDone) decoding.decodeSlice()
  return decoding.decoded
}

/** What becomes rows is stored once, however often and by whomever it is asked; the rest stays. */
export const retryDeadLetters = Effect.fn("retryDeadLetters")(function* (
  tenant: TenantSlug,
  selection: DeadLetterSelection,
  decode: Decoder
) {
  return yield* (yield* DeadLetters).retry(tenant, selection, (messages) =>
    decodeAtOnce(messages.map(streamMessage), decode)
  )
})
