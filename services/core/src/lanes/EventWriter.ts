/**
 * The lane that writes one tenant's records of all kinds, but flows, into its tables.
 */
import type { Limit } from "@bulkhead/accounts"
import { streamRange } from "@bulkhead/nats"
import { type LaneOptions, type LaneProgress, LaneScheduler, type LaneSource, runLane } from "@bulkhead/pipeline"
import { type LaneCommit, type LaneStats, TenantStats } from "@bulkhead/storage"
import type { Tenant } from "@bulkhead/tenancy"
import { Effect, Exit, Latch, Semaphore } from "effect"
import { CoreConfig } from "../CoreConfig.ts"
import { CoreMetrics } from "../CoreMetrics.ts"
import { limitsInForce } from "../quotas/limitsInForce.ts"
import { TenantQuotas } from "../quotas/TenantQuotas.ts"
import { DeadLetterCounts } from "./DeadLetterCounts.ts"
import { followReplays, type StandingStill } from "./followReplays.ts"
import { BATCH_BYTES_MAX, durableOf, recordLane } from "./recordLane.ts"
import { withoutWritten } from "./withoutWritten.ts"

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
  const letters = yield* DeadLetterCounts
  const stats = yield* TenantStats
  const scheduler = yield* LaneScheduler
  // A lane that only starts again goes on saying what it said.
  yield* Effect.addFinalizer((exit) => (Exit.hasInterrupts(exit) ? letters.forget(tenant) : Effect.void))

  const onCommit = Effect.fnUntraced(function* (written: LaneCommit) {
    metrics.committed(tenant, written)
    if (written.deadLetters.length > 0) yield* Effect.ignore(letters.refresh(tenant))
    for (const { sequence, subject, reason, detail } of written.deadLetters) {
      yield* Effect.logWarning("dead letter", { sequence, subject, reason, detail })
    }
  })

  // While a replay swaps the tables, the lane stands still: it need not find out by failing that it has to go on from
  // the watermark of the fresh ones.
  const tables = yield* Semaphore.make(1)
  const swapWanted = yield* Latch.make()
  const standingStill: StandingStill = (swap) =>
    swapWanted.open.pipe(Effect.andThen(tables.withPermit(swap)), Effect.ensuring(swapWanted.close))
  const share = { tenant, weight: limits.commitWeight }
  yield* Effect.forkScoped(followReplays({ tenant, source, turns: scheduler.lane(share), standingStill }))

  const quota = yield* (yield* TenantQuotas).open(record, limits)
  const turns = scheduler.lane(share)
  const { filterSubjects, decode } = recordLane(tenant, config.storedLogs)
  const runSeated = (seat: Pick<LaneOptions, "source" | "present">) =>
    runLane({
      ...seat,
      tenant,
      durable: durableOf(source.stream, tenant),
      filterSubjects,
      decode: withoutWritten(decode, source, present),
      limits: {
        rowsMax: aSecondOf(limits.eventsPerSecond, config.batchRowsMax, 1),
        bytesMax: aSecondOf(limits.bytesPerSecond, BATCH_BYTES_MAX, BATCH_BYTES_MIN),
        ageMs: config.batchAgeMs
      },
      quota,
      turns,
      progress,
      onCommit
    }).pipe(Effect.scoped)

  let seat: Pick<LaneOptions, "source" | "present"> = { source, present }
  while (true) {
    yield* letters.refresh(tenant)
    yield* tables.withPermit(Effect.raceFirst(runSeated(seat), swapWanted.await))
    yield* tables.withPermit(Effect.void)
    // In this order: see seatLane.
    const lanes = yield* stats.lanes(tenant)
    seat = { source: { ...source, ...(yield* streamRange(source.stream)) }, present: lanes }
  }
})
