import type { TenantSlug } from "@bulkhead/channels"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Latch } from "effect"
import { LaneScheduler } from "../src/index.ts"

/** With tenants spread over the connections in turn. */
const scheduler = (connections: number) =>
  Effect.gen(function* () {
    let tenants = 0
    const connectionOf = () => tenants++ % connections
    const { lane, load } = yield* Effect.provide(LaneScheduler, LaneScheduler.layerWith({ connections, connectionOf }))
    return { lane: (weight: number) => lane({ tenant: "acme" as TenantSlug, weight }), load }
  })

describe("LaneScheduler", () => {
  it.live("runs one commit at a time on each connection, and all of them in the end", () =>
    Effect.gen(function* () {
      const { lane, load } = yield* scheduler(3)
      let [running, most, done] = [0, 0, 0]
      const commit = Effect.gen(function* () {
        running += 1
        most = Math.max(most, running)
        yield* Effect.yieldNow
        running -= 1
        done += 1
      })
      const lanes = Array.from({ length: 50 }, () => lane(1))
      yield* Effect.forEach(lanes, ({ commit: turn }) => Effect.repeat(turn(commit), { times: 3 }), {
        concurrency: "unbounded"
      })
      assert.strictEqual(most, 3)
      assert.strictEqual(done, 200)
      assert.deepStrictEqual(yield* load, { commits: 0, waiting: 0 })
    })
  )

  it.live("gives a slot back when its work fails or dies, or is interrupted", () =>
    Effect.gen(function* () {
      const { lane, load } = yield* scheduler(1)
      const { commit } = lane(1)
      yield* Effect.exit(commit(Effect.fail("no")))
      yield* Effect.exit(commit(Effect.die("no")))
      const fiber = yield* Effect.forkChild(commit(Effect.never), { startImmediately: true })
      assert.deepStrictEqual(yield* load, { commits: 1, waiting: 0 })
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* load, { commits: 0, waiting: 0 })
      assert.strictEqual(yield* commit(Effect.succeed(1)), 1)
    })
  )

  it.live("lets a lane that waits be interrupted, and the one behind it have its turn", () =>
    Effect.gen(function* () {
      const { lane, load } = yield* scheduler(1)
      const latch = yield* Latch.make(false)
      const first = yield* Effect.forkChild(lane(1).commit(latch.await), { startImmediately: true })
      const second = yield* Effect.forkChild(lane(1).commit(Effect.die("never")), { startImmediately: true })
      const third = yield* Effect.forkChild(lane(1).commit(Effect.succeed("third")), { startImmediately: true })
      assert.deepStrictEqual(yield* load, { commits: 1, waiting: 2 })
      yield* Fiber.interrupt(second)
      yield* latch.open
      yield* Fiber.join(first)
      assert.strictEqual(yield* Fiber.join(third), "third")
      assert.deepStrictEqual(yield* load, { commits: 0, waiting: 0 })
    })
  )

  it.live("lets no more than one lane decode at a time, so that each slice ends before the next begins", () =>
    Effect.gen(function* () {
      const { lane } = yield* scheduler(4)
      let [running, most] = [0, 0]
      const slice = Effect.gen(function* () {
        running += 1
        most = Math.max(most, running)
        yield* Effect.yieldNow
        running -= 1
      })
      yield* Effect.forEach(Array.from({ length: 20 }), () => lane(1).decode(slice), { concurrency: "unbounded" })
      assert.strictEqual(most, 1)
    })
  )
})
