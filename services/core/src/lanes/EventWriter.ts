/**
 * The lane that writes one tenant's events, `events.>`, into its table `ocsf_events`.
 */
import { patternsForTenant } from "@bulkhead/channels"
import { type LaneProgress, type LaneSource, runLane } from "@bulkhead/pipeline"
import { ocsfEventDecoder } from "@bulkhead/records"
import type { LaneCommit, LaneStats } from "@bulkhead/storage"
import type { Tenant } from "@bulkhead/tenancy"
import { Effect } from "effect"
import { CoreConfig } from "../CoreConfig.ts"
import { CoreMetrics } from "../CoreMetrics.ts"

const DURABLE = "event-writer"
const BATCH_BYTES_MAX = 8 * 1024 * 1024

/** Runs the lane until it fails or is interrupted; `progress` is kept up to date for health and metrics. */
export const runEventWriter = Effect.fnUntraced(function* (
  { slug: tenant }: Tenant,
  source: LaneSource,
  present: ReadonlyArray<LaneStats>,
  progress: LaneProgress
) {
  const config = yield* CoreConfig
  const metrics = yield* CoreMetrics

  const onCommit = Effect.fnUntraced(function* (written: LaneCommit) {
    metrics.committed(tenant, written)
    for (const { sequence, subject, reason, detail } of written.deadLetters) {
      yield* Effect.logWarning("dead letter", { sequence, subject, reason, detail })
    }
  })

  return yield* runLane({
    tenant,
    source,
    durable: DURABLE,
    filterSubjects: patternsForTenant(tenant, "events.>", source.mode),
    decode: ocsfEventDecoder,
    limits: { rowsMax: config.batchRowsMax, bytesMax: BATCH_BYTES_MAX, ageMs: config.batchAgeMs },
    present,
    progress,
    onCommit
  })
})
