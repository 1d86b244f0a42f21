/**
 * The kind of lane that writes events: which subjects it reads, what makes rows of its messages, how much it takes at
 * once, and under which consumer operators see it.
 */
import type { TenantSlug } from "@bulkhead/channels"
import { consumerName, READERS } from "@bulkhead/nats"
import { ocsfEventDecoder } from "@bulkhead/records"

export const eventLane = {
  pattern: READERS.eventWriter.pattern,
  decode: ocsfEventDecoder,
  batchBytesMax: 8 * 1024 * 1024
} as const

/** The lane's durable consumer. */
export const durableOf = (stream: string, tenant: TenantSlug): string =>
  consumerName(READERS.eventWriter, stream, tenant)
