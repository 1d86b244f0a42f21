import { Duration, Effect, Schedule } from "effect"
import type { SecretReason } from "../SecretError.ts"

/** Repeats `probe` while the store is unavailable, so that a service that starts before its store comes up by itself. */
export const awaitStore =
  (timeoutMs: number) =>
  <A, R>(probe: Effect.Effect<A, SecretReason, R>): Effect.Effect<A, SecretReason, R> =>
    probe.pipe(
      Effect.tapError((reason) =>
        reason.isRetryable
          ? Effect.logWarning("waiting for the store of secrets", { problem: reason.message })
          : Effect.void
      ),
      Effect.retry({
        schedule: Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("2 seconds")]).pipe(
          Schedule.jittered,
          Schedule.upTo({ duration: Duration.millis(timeoutMs) })
        ),
        while: (reason) => reason.isRetryable
      })
    )
