/**
 * What a fault is: something that happens to a running platform. It does not judge whether anything was lost: the audit
 * does, from outside. But it says for itself that it really happened, since one that did not would prove nothing.
 */
import type { ServerProcess } from "@bulkhead/devstack"
import { type Duration, Effect, Random, Schema, type Scope } from "effect"
import type { World } from "./World.ts"

/** The fault could not be inflicted, or core did not take it as it must. */
export class FaultFailed extends Schema.TaggedError<FaultFailed>()("FaultFailed", { problem: Schema.String }) {
  override get message(): string {
    return this.problem
  }
}

export interface Fault {
  readonly name: string
  /**
   * Inflicts it on a world under load, and ends it. Gives what a reader of the run's output should know. All chance in
   * it comes from `Random`, which the run's seed determines.
   */
  readonly inflict: (world: World) => Effect.Effect<string, FaultFailed, Scope.Scope>
}

export const fault = <E>(name: string, inflict: (world: World) => Effect.Effect<string, E, Scope.Scope>): Fault => ({
  name,
  inflict: (world) =>
    Effect.mapError(inflict(world), (error) =>
      error instanceof FaultFailed ? error : new FaultFailed({ problem: String(error) })
    )
})

/** Fails the fault unless `isSo`. */
export const must = (isSo: boolean, problem: string): Effect.Effect<void, FaultFailed> =>
  isSo ? Effect.void : Effect.fail(new FaultFailed({ problem }))

/** A time from `least` to `most`, milliseconds. */
export const someMs = (least: number, most: number): Effect.Effect<number> => Random.nextIntBetween(least, most + 1)

/** Waits so long and gives it, for the fault's line. */
export const sleepSome = (least: number, most: number): Effect.Effect<number> =>
  Effect.tap(someMs(least, most), (ms) => Effect.sleep(ms satisfies Duration.Input))

/** Freezes a server for a time from `least` to `most` milliseconds. */
export const freeze = (server: Pick<ServerProcess, "pause" | "resume">, least: number, most: number) =>
  Effect.scoped(
    Effect.gen(function* () {
      yield* Effect.acquireRelease(server.pause, () => server.resume)
      return `for ${yield* sleepSome(least, most)} ms`
    })
  )

/** Freezes a server again and again for a moment, as when it waits for a disk that is busy. */
export const stutter = Effect.fnUntraced(function* (
  server: Pick<ServerProcess, "pause" | "resume">,
  momentMs: number,
  forMs: number
) {
  const moments = Math.ceil(forMs / (2 * momentMs))
  yield* Effect.repeat(Effect.andThen(freeze(server, momentMs, momentMs), Effect.sleep(momentMs)), {
    times: moments - 1
  })
  return `${moments} times ${momentMs} ms`
})
