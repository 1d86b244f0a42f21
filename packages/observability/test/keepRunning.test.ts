import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { keepRunning } from "../src/index.ts"

/** Work that fails so often, and then ends; counts its runs. */
const failing = (times: number) => {
  const problems: Array<string> = []
  let runs = 0
  const work = Effect.suspend(() => {
    runs += 1
    return runs <= times ? Effect.fail(new Error(`failure ${runs}`)) : Effect.void
  })
  return { problems, runs: () => runs, kept: keepRunning({ what: "it", work, onFailure: (one) => problems.push(one) }) }
}

describe("keepRunning", () => {
  it.effect("begins failed work again, tells of each failure, and is over when the work ends by itself", () =>
    Effect.gen(function* () {
      const { kept, problems, runs } = failing(3)
      const fiber = yield* Effect.forkChild(kept)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      assert.strictEqual(runs(), 4)
      assert.deepStrictEqual(problems, ["failure 1", "failure 2", "failure 3"])
    })
  )

  it.effect("lets pauses grow while failures follow each other, to ten seconds at most", () =>
    Effect.gen(function* () {
      const { kept, runs } = failing(Number.POSITIVE_INFINITY)
      yield* Effect.forkChild(kept)
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(runs(), 2)
      yield* TestClock.adjust("1 minute")
      const before = runs()
      yield* TestClock.adjust("10 seconds")
      assert.isAtLeast(runs() - before, 1)
      assert.isAtMost(runs() - before, 2)
    })
  )

  it.effect("ends with an interruption, which is no failure", () =>
    Effect.gen(function* () {
      const began = yield* Deferred.make<void>()
      const problems: Array<string> = []
      const work = Effect.andThen(Deferred.succeed(began, undefined), Effect.never)
      const fiber = yield* Effect.forkChild(
        keepRunning({ what: "it", work, onFailure: (problem) => problems.push(problem) })
      )
      yield* Deferred.await(began)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(problems, [])
    })
  )
})
