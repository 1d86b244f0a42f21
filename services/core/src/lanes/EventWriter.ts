/**
 * The lane that writes one tenant's events from its stream into its schema, each exactly once and in stream order.
 *
 * A batch is taken, decoded, and committed with the watermark in one transaction; then it is acknowledged. The lane
 * repairs nothing in place: whatever fails, it fails, and its supervisor runs it again from the watermark, which is
 * why a connection lost during a commit needs no special case.
 */
import { type PrefixMode, patternsForTenant } from "@bulkhead/channels"
import { openBatchConsumer } from "@bulkhead/nats"
import { LaneStore, TenantStats } from "@bulkhead/storage"
import type { Tenant } from "@bulkhead/tenancy"
import { Clock, Effect } from "effect"
import { CoreConfig } from "../CoreConfig.ts"
import { CoreMetrics } from "../CoreMetrics.ts"
import { decodeBatch } from "./decodeBatch.ts"
import type { LaneProgress } from "./LaneProgress.ts"

/** The durable consumer under which operators see the lane's lag. */
const DURABLE = "event-writer"
const BATCH_BYTES_MAX = 8 * 1024 * 1024

/** The stream a lane reads, as one incarnation: a stream made anew is another lane (docs/adr/0007). */
export interface LaneSource {
  readonly stream: string
  /** When the server made the stream, RFC 3339. */
  readonly createdAt: string
  readonly mode: PrefixMode
}

const laneName = (source: LaneSource): string => `${source.stream}@${source.createdAt}`

/** Takes the totals up where an earlier process left them. */
const restoreProgress = Effect.fnUntraced(function* (tenant: Tenant, progress: LaneProgress) {
  const lanes = yield* (yield* TenantStats).lanes(tenant.slug)
  progress.rowsWritten = lanes.reduce((sum, lane) => sum + lane.rows, 0)
  progress.deadLetters = lanes.reduce((sum, lane) => sum + lane.deadLetters, 0)
})

/** Runs the lane until it fails or is interrupted; `progress` is kept up to date for health and metrics. */
export const runEventWriter = Effect.fnUntraced(function* (tenant: Tenant, source: LaneSource, progress: LaneProgress) {
  const config = yield* CoreConfig
  const metrics = yield* CoreMetrics
  const store = yield* LaneStore
  const lane = laneName(source)
  let watermark = yield* store.watermark(tenant.slug, lane)
  yield* restoreProgress(tenant, progress)
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
