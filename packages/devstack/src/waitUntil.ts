import { Duration, Effect, Schedule } from "effect"

/**
 * Polls `check` until it gives true, and dies with `what` when it has not within `timeout` (30 s): the way a test
 * waits for a state. A failing check counts as "not yet".
 */
export const waitUntil = <E, R>(
  what: string,
  check: Effect.Effect<boolean, E, R>,
  timeout: Duration.Input = "30 seconds"
): Effect.Effect<void, never, R> =>
  check.pipe(
    Effect.orElseSucceed(() => false),
    Effect.repeat({ schedule: Schedule.spaced("25 millis"), until: (done) => done }),
    Effect.asVoid,
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () => Effect.die(new Error(`not within ${Duration.format(Duration.fromInputUnsafe(timeout))}: ${what}`))
    })
  )
