/**
 * The lane that writes one tenant's events from its stream into its schema, each exactly once and in stream order.
 *
 * A batch is taken, decoded, and committed with the watermark in one transaction; then it is acknowledged. The lane
 * repairs nothing in place: whatever fails, it fails, and its supervisor runs it again from the watermark, which is
 * why a connection lost during a commit needs no special case.
 */
import { patternsForTenant } from "@bulkhead/channels"
import { openBatchConsumer } from "@bulkhead/nats"
import { type LaneStats, LaneStore } from "@bulkhead/storage"
import type { Tenant } from "@bulkhead/tenancy"
import { Clock, Effect } from "effect"
import { CoreConfig } from "../CoreConfig.ts"
import { CoreMetrics } from "../CoreMetrics.ts"
import { decodeBatch } from "./decodeBatch.ts"
import type { LaneProgress } from "./LaneProgress.ts"
import { type LaneSource, seatLane } from "./seatLane.ts"

/** The durable consumer under which operators see the lane's lag. */
const DURABLE = "event-writer"
const BATCH_BYTES_MAX = 8 * 1024 * 1024

/** Runs the lane until it fails or is interrupted; `progress` is kept up to date for health and metrics. */
export const runEventWriter = Effect.fnUntraced(function* (
  tenant: Tenant,
  source: LaneSource,
  present: ReadonlyArray<LaneStats>,
  progress: LaneProgress
) {
  const config = yield* CoreConfig
  const metrics = yield* CoreMetrics
  const store = yield* LaneStore
  const { lane, watermark: seated } = yield* seatLane(tenant.slug, source, present)
  let watermark = seated
  // The totals go on where an earlier process left them.
  progress.rowsWritten = present.reduce((sum, { rows }) => sum + rows, 0)
  progress.deadLetters = present.reduce((sum, { deadLetters }) => sum + deadLetters, 0)
  const consumer = yield* openBatchConsumer({
    stream: source.stream,
    durable: DURABLE,
    filterSubjects: patternsForTenant(tenant.slug, "events.>", source.mode),
    afterSequence: watermark,
    rowsMax: config.batchRowsMax,
    bytesMax: BATCH_BYTES_MAX,
    ageMs: config.batchAgeMs
  })
  progress.lag = consumer.lag
  while (true) {
    const messages = yield* consumer.take
    const to = messages.at(-1)?.sequence ?? watermark
    const batch = { tenant: tenant.slug, lane, from: watermark, to, ...decodeBatch(messages) }
    const written = yield* Effect.uninterruptible(store.commit(batch))
    watermark = to
    progress.rowsWritten += written.rows
    progress.deadLetters += written.deadLetters.length
    progress.lastCommitAtMs = yield* Clock.currentTimeMillis
    metrics.committed(tenant.slug, written)
    for (const { sequence, subject, reason, detail } of written.deadLetters) {
      yield* Effect.logWarning("dead letter", { sequence, subject, reason, detail })
    }
    yield* consumer.ackThrough(watermark)
  }
})
