/**
 * The lane that writes one tenant's events, `events.>`, into its table `ocsf_events`.
 */
import type { Limit } from "@bulkhead/accounts"
import { patternsForTenant } from "@bulkhead/channels"
import { type LaneProgress, LaneScheduler, type LaneSource, runLane } from "@bulkhead/pipeline"
import { ocsfEventDecoder } from "@bulkhead/records"
import type { LaneCommit, LaneStats } from "@bulkhead/storage"
import type { Tenant } from "@bulkhead/tenancy"
import { Effect } from "effect"
import { CoreConfig } from "../CoreConfig.ts"
import { CoreMetrics } from "../CoreMetrics.ts"
import { limitsInForce } from "../quotas/limitsInForce.ts"
import { TenantQuotas } from "../quotas/TenantQuotas.ts"

const DURABLE = "event-writer"
const BATCH_BYTES_MAX = 8 * 1024 * 1024
/** As large as a message may be. */
const BATCH_BYTES_MIN = 1024 * 1024

/** A batch holds what its tenant may write in a second at most, so that a throttled lane goes on in small steps. */
const aSecondOf = (limit: Limit, max: number, min: number): number =>
  limit === "unlimited" ? max : Math.min(max, Math.max(min, limit))

/** Runs the lane until it fails or is interrupted; `progress` is kept up to date for health and metrics. */
export const runEventWriter = Effect.fnUntraced(function* (
  record: Tenant,
  source: LaneSource,
  present: ReadonlyArray<LaneStats>,
  progress: LaneProgress
) {
  const config = yield* CoreConfig
  const metrics = yield* CoreMetrics
  const { slug: tenant } = record
  const limits = yield* limitsInForce(record)

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
    limits: {
      rowsMax: aSecondOf(limits.eventsPerSecond, config.batchRowsMax, 1),
      bytesMax: aSecondOf(limits.bytesPerSecond, BATCH_BYTES_MAX, BATCH_BYTES_MIN),
      ageMs: config.batchAgeMs
    },
    quota: yield* (yield* TenantQuotas).open(record, limits),
    turns: (yield* LaneScheduler).lane({ tenant, weight: limits.commitWeight }),
    present,
    progress,
    onCommit
  })
})
