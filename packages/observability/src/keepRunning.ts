/**
 * Runs work that must go on, and begins it again after any failure, with pauses that grow while failures follow each
 * other. Work that ends by itself is over.
 */
import { Cause, Clock, Effect, Exit, Random } from "effect"

const PAUSE_MS_MIN = 100
const PAUSE_MS_MAX = 10_000
/** What ran this long was healthy: its next failure starts with a short pause again. */
const HEALTHY_MS = 30_000

export interface KeptRunning<E, R> {
  /** As the log is to name it, `the lane`. */
  readonly what: string
  readonly work: Effect.Effect<void, E, R>
  /** Told of each failure. */
  readonly onFailure: (problem: string) => void
}

/** Runs until the work ends by itself, or is interrupted. */
export const keepRunning = Effect.fnUntraced(function* <E, R>({ what, work, onFailure }: KeptRunning<E, R>) {
  for (let failures = 1; ; failures += 1) {
    const startedAt = yield* Clock.currentTimeMillis
    const exit = yield* Effect.exit(work)
    if (Exit.isSuccess(exit)) return
    const { cause } = exit
    if (Cause.hasInterruptsOnly(cause)) return yield* Effect.interrupt
    if ((yield* Clock.currentTimeMillis) - startedAt >= HEALTHY_MS) failures = 1
    const error = Cause.squash(cause)
    const problem = error instanceof Error ? error.message : String(error)
    onFailure(problem)
    const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** (failures - 1)) * (0.5 + (yield* Random.next) / 2)
    const details = { problem, pauseMs: Math.round(pauseMs) }
    // A cause may quote rows; only a fault of ours, which nobody foresaw, is worth its stack.
    if (Cause.hasDies(cause)) yield* Effect.logError(`${what} begins again after a defect`, details, cause)
    else yield* Effect.logWarning(`${what} begins again`, details)
    yield* Effect.sleep(pauseMs)
  }
})
