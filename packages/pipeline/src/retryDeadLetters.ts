/**
 * Tries dead letters again, after the decoder or the database was corrected: the decoder of their kind sees each
 * message as it came from the stream.
 */
import type { TenantSlug } from "@bulkhead/channels"
import type { StreamMessage } from "@bulkhead/nats"
import type { Decoder } from "@bulkhead/records"
import { type DeadLetterSelection, DeadLetters, type LettersInstead, type StoredMessage } from "@bulkhead/storage"
import { Effect } from "effect"
import { decodeWhole } from "./decodeAtOnce.ts"

const streamMessage = ({ sequence, subject, headers, payload, receivedAt }: StoredMessage): StreamMessage => ({
  sequence,
  subject,
  headers,
  data: payload,
  timestamp: receivedAt
})

/** What becomes rows is stored once, however often and by whomever it is asked; the rest stays. */
export const retryDeadLetters = Effect.fn("retryDeadLetters")(function* (
  tenant: TenantSlug,
  selection: DeadLetterSelection,
  decode: Decoder,
  instead?: LettersInstead
) {
  return yield* (yield* DeadLetters).retry(
    tenant,
    selection,
    (messages) => decodeWhole(messages.map(streamMessage), decode),
    instead
  )
})
