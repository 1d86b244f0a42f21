/**
 * Whether the writer of the tenant's records has its place in the stream.
 */
import { READERS, readerLag } from "@bulkhead/nats"
import type { Tenant } from "@bulkhead/tenancy"
import { Effect } from "effect"
import { CoreConfig } from "../CoreConfig.ts"
import { durableOf } from "../lanes/recordLane.ts"
import { streamOf } from "./checkStream.ts"
import { failed, ok } from "./finding.ts"

export const checkConsumer = Effect.fnUntraced(function* (tenant: Tenant) {
  const stream = yield* streamOf(tenant)
  const isOurs = (yield* CoreConfig).eventWriter === "on"
  const consumer = isOurs ? durableOf(stream, tenant.slug) : READERS.dbEventWriter.name
  const lag = yield* readerLag(stream, consumer)
  if (lag !== undefined) {
    return ok(`consumer "${consumer}" of "${stream}": ${lag.pending} messages to read, ${lag.ackPending} in work`)
  }
  return failed(
    `stream "${stream}" has no consumer "${consumer}"`,
    isOurs
      ? "Core makes it again when its lane starts next: what keeps it from that is in `bulkhead health` and core's log"
      : "db-event-writer makes it when it starts: check that it runs"
  )
})
