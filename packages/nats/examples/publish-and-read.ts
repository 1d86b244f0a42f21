/**
 * Publishes one event for a tenant and reads it back. Needs `Nats.layer` and `EventPublisher.layer`.
 */
import type { TenantSlug } from "@bulkhead/channels"
import { EventPublisher, ensureStream, openBatchConsumer, planTenantStream } from "@bulkhead/nats"
import { Effect } from "effect"

const settings = { maxBytes: 1_000_000_000, maxAgeMs: 86_400_000 }

export const publishAndRead = Effect.fn("publishAndRead")(function* (tenant: TenantSlug) {
  const planned = planTenantStream({ tenant, mode: "prefixed", settings })
  if (planned === undefined) return []
  const { stream } = yield* ensureStream(planned)

  const publisher = yield* EventPublisher
  const event = new TextEncoder().encode('{"class_uid":1008}')
  yield* publisher.publishWithTenant(tenant, "events.poller.health", event)

  const consumer = yield* openBatchConsumer({
    stream,
    durable: "reader",
    afterSequence: 0,
    rowsMax: 1_000,
    bytesMax: 8_000_000,
    ageMs: 100
  })
  const batch = yield* consumer.take
  yield* consumer.ackThrough(batch.at(-1)?.sequence ?? 0)
  return batch.map((message) => message.subject)
})
