import type { StreamMessage } from "@bulkhead/nats"
import type { Decoder } from "@bulkhead/records"
import { BatchDecoding, type DecodedBatch } from "./BatchDecoding.ts"

/** Decodes a batch in one go, as many messages as it may hold: for where nobody else waits. */
export const decodeAtOnce = (messages: ReadonlyArray<StreamMessage>, decode: Decoder): DecodedBatch => {
  const decoding = new BatchDecoding(messages, decode)
  while (!decoding.isDone) decoding.decodeSlice()
  return decoding.decoded
}

/** Decodes all of a few messages, as many rows as that may be. */
export const decodeWhole = (
  messages: ReadonlyArray<StreamMessage>,
  decode: Decoder
): Pick<DecodedBatch, "tables" | "deadLetters"> => {
  const decoding = new BatchDecoding(messages, decode, Number.POSITIVE_INFINITY)
  while (!decoding.isDone) decoding.decodeSlice()
  return decoding.decoded
}
