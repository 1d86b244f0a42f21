/**
 * The kind of lane that writes events: under which consumer operators see it, which subjects it reads, what makes rows of
 * its messages, and how much it takes at once.
 */
import { SHARED_STREAM_NAME, type TenantSlug } from "@bulkhead/channels"
import { ocsfEventDecoder } from "@bulkhead/records"

export const eventLane = {
  durable: "event-writer",
  pattern: "events.>",
  decode: ocsfEventDecoder,
  batchBytesMax: 8 * 1024 * 1024
} as const

/** The lane's durable consumer; in a stream of all tenants each needs a name of its own. */
export const durableOf = (stream: string, tenant: TenantSlug): string =>
  stream === SHARED_STREAM_NAME ? `${eventLane.durable}-${tenant}` : eventLane.durable
