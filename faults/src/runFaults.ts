/**
 * A run: faults one after the other under load, each followed by core's recovery, and the audit of everything at the
 * end. The same seed chooses the same faults in the same order, each with the same times.
 */
import { Cause, Clock, Effect, Exit, Random } from "effect"
import type { Findings } from "./audit.ts"
import type { Fault } from "./Fault.ts"
import type { World } from "./World.ts"

/** What became of one fault. */
export interface Outcome {
  readonly fault: string
  /** What was done, or why it failed. */
  readonly text: string
  readonly isOk: boolean
  /** How long core took to store all that had been published by the end of the fault, milliseconds. */
  readonly recoveryMs: number
}

/** Inflicts one fault and waits until core has caught up with what was published meanwhile. */
export const inflict = Effect.fnUntraced(function* (world: World, fault: Fault, seed: string) {
  const exit = yield* fault.inflict(world).pipe(Effect.scoped, Random.withSeed(seed), Effect.exit)
  const endedAtMs = yield* Clock.currentTimeMillis
  const hasRecovered = yield* world.caughtUp()
  const recoveryMs = (yield* Clock.currentTimeMillis) - endedAtMs
  const problem = Exit.isFailure(exit) ? Cause.prettyErrors(exit.cause)[0]?.message : undefined
  const stuck = hasRecovered ? undefined : "core has not caught up"
  const outcome: Outcome = {
    fault: fault.name,
    text: [Exit.isSuccess(exit) ? exit.value : problem, stuck].filter((part) => part !== undefined).join("; "),
    isOk: Exit.isSuccess(exit) && hasRecovered,
    recoveryMs
  }
  return outcome
})

/** Ends the load, waits for core, and compares. */
export const conclude = Effect.fnUntraced(function* (world: World): Effect.fn.Return<Findings> {
  yield* world.stopLoad
  // What becomes no row leaves no trace to wait for; but whatever came before this last one is written before it.
  yield* Effect.forEach(world.tenants, (tenant) => tenant.publish(1), { discard: true })
  yield* world.caughtUp()
  return yield* world.audit
})
