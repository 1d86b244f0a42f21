import type { StreamMessage } from "@bulkhead/nats"
import type { Decoder } from "@bulkhead/records"
import { BatchDecoding, type DecodedBatch } from "./BatchDecoding.ts"

/** Decodes messages in one go: for a few, or where nobody else waits. */
export const decodeAtOnce = (messages: ReadonlyArray<StreamMessage>, decode: Decoder): DecodedBatch => {
  const decoding = new BatchDecoding(messages, decode)
  while (!decoding.isDone) decoding.decodeSlice()
  return decoding.decoded
}
