/**
 * The kind of lane that writes a tenant's records: which subjects it reads, what makes rows of its messages, how much it
 * takes at once, and under which consumer operators see it.
 */
import { patternsForTenant, type TenantSlug } from "@bulkhead/channels"
import { consumerName, READERS, recordPatterns, type StoredLogs } from "@bulkhead/nats"
import { recordDecoder } from "@bulkhead/pipeline"

export const BATCH_BYTES_MAX = 8 * 1024 * 1024

export const recordLane = (tenant: TenantSlug, logs: StoredLogs) => ({
  // What the stream took is written, also when the mode has changed since: the mode decides what it takes.
  filterSubjects: recordPatterns(logs).flatMap((pattern) => patternsForTenant(tenant, pattern, "both")),
  decode: recordDecoder(logs)
})

/** The lane's durable consumer. */
export const durableOf = (stream: string, tenant: TenantSlug): string =>
  consumerName(READERS.eventWriter, stream, tenant)
