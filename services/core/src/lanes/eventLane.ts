/**
 * The kind of lane that writes events: under which consumer operators see it, which subjects it reads, what makes rows of
 * its messages, and how much it takes at once.
 */
import { ocsfEventDecoder } from "@bulkhead/records"

export const eventLane = {
  durable: "event-writer",
  pattern: "events.>",
  decode: ocsfEventDecoder,
  batchBytesMax: 8 * 1024 * 1024
} as const
