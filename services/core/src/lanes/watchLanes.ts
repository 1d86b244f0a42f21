/**
 * Where another process writes a tenant's events: reads now and then what has been written, for health and metrics.
 */
import { type LaneProgress, lanesOfReader } from "@bulkhead/pipeline"
import { TenantStats } from "@bulkhead/storage"
import type { Tenant } from "@bulkhead/tenancy"
import { Effect, Exit, Schedule } from "effect"
import { CoreConfig } from "../CoreConfig.ts"
import { DeadLetterCounts } from "./DeadLetterCounts.ts"

/** Keeps `progress` up to date until it is interrupted, or the tenant's schema cannot be read. */
export const watchLanes = Effect.fnUntraced(function* ({ slug }: Tenant, progress: LaneProgress) {
  const { reconcileMs } = yield* CoreConfig
  const stats = yield* TenantStats
  const letters = yield* DeadLetterCounts
  // A watch that only starts again goes on saying what it said.
  yield* Effect.addFinalizer((exit) => (Exit.hasInterrupts(exit) ? letters.forget(slug) : Effect.void))
  yield* letters.refresh(slug)
  const look = Effect.gen(function* () {
    const lanes = lanesOfReader({}, yield* stats.lanes(slug))
    const { deadLetters: before } = progress
    progress.rowsWritten = lanes.reduce((sum, { rows }) => sum + rows, 0)
    progress.deadLetters = lanes.reduce((sum, { deadLetters }) => sum + deadLetters, 0)
    if (progress.deadLetters !== before) yield* letters.refresh(slug)
    const committed = lanes.filter(({ rows, deadLetters }) => rows + deadLetters > 0)
    if (committed.length > 0) {
      progress.lastCommitAtMs = Math.max(...committed.map(({ lastCommitAt }) => lastCommitAt.getTime()))
    }
  })
  // Thousands of tenants do not ask at the same moment.
  const everyNowAndThen = Schedule.spaced(reconcileMs).pipe(Schedule.jittered)
  return yield* look.pipe(Effect.repeat(everyNowAndThen), Effect.andThen(Effect.never))
})
