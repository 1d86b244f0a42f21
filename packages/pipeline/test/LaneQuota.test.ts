import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { type BatchSize, LaneQuota, type LaneRates } from "../src/index.ts"

const UNLIMITED: LaneRates = {
  eventsPerSecond: Number.POSITIVE_INFINITY,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  burstSeconds: 1
}

const quotaOf = (rates: Partial<LaneRates>) => {
  const admitted: Array<BatchSize> = []
  return { admitted, quota: new LaneQuota({ ...UNLIMITED, ...rates }, 0, (size) => admitted.push(size)) }
}

const admitAll = (quota: LaneQuota, count: number, size: BatchSize) =>
  Effect.forkChild(
    Effect.forEach(Array.from({ length: count }), () => quota.admit(size), { discard: true }),
    { startImmediately: true }
  )

describe("LaneQuota", () => {
  it.effect("lets a burst pass, then as much as the rate allows, and says why the rest waits", () =>
    Effect.gen(function* () {
      const { quota, admitted } = quotaOf({ eventsPerSecond: 10, burstSeconds: 3 })
      yield* admitAll(quota, 100, { events: 10, bytes: 1 })
      assert.lengthOf(admitted, 3)
      assert.strictEqual(quota.hold?.kind, "rate")
      assert.match(quota.hold?.reason ?? "", /quota of 10 events\/s.*raise the plan or the limits eventsPerSecond/)
      yield* TestClock.adjust("5 seconds")
      assert.lengthOf(admitted, 8)
    })
  )

  it.effect("counts bytes as well, and the quota that is used up first holds", () =>
    Effect.gen(function* () {
      const { quota, admitted } = quotaOf({ eventsPerSecond: 1_000, bytesPerSecond: 100 })
      yield* admitAll(quota, 100, { events: 1, bytes: 50 })
      assert.lengthOf(admitted, 2)
      yield* TestClock.adjust("10 seconds")
      assert.lengthOf(admitted, 22)
    })
  )

  it.effect("counts the time of throttling while it lasts, and ends it once nothing has waited for 5 s", () =>
    Effect.gen(function* () {
      const { quota } = quotaOf({ eventsPerSecond: 1 })
      const lane = yield* admitAll(quota, 4, { events: 1, bytes: 1 })
      yield* TestClock.adjust("1500 millis")
      assert.deepStrictEqual(quota.settle(1_500), { throttledMs: 1_500, hasEnded: false })
      yield* TestClock.adjust("1500 millis")
      yield* Fiber.join(lane)
      assert.deepStrictEqual(quota.settle(3_000), { throttledMs: 1_500, hasEnded: false })
      assert.strictEqual(quota.hold?.kind, "rate")
      assert.deepStrictEqual(quota.settle(7_999), { throttledMs: 0, hasEnded: false })
      assert.deepStrictEqual(quota.settle(8_000), { throttledMs: 0, hasEnded: true })
      assert.isUndefined(quota.hold)
    })
  )

  it.effect("lets nothing pass at 0, however long it waits", () =>
    Effect.gen(function* () {
      const { quota, admitted } = quotaOf({ eventsPerSecond: 0 })
      yield* admitAll(quota, 1, { events: 1, bytes: 1 })
      yield* TestClock.adjust("1 day")
      assert.lengthOf(admitted, 0)
    })
  )

  it.effect("lets nothing pass while its tenant has stored too much, and goes on with the same batch", () =>
    Effect.gen(function* () {
      const { quota, admitted } = quotaOf({})
      assert.isTrue(quota.mayNotStore("100 bytes of 50"))
      assert.isFalse(quota.mayNotStore("101 bytes of 50"))
      const lane = yield* admitAll(quota, 2, { events: 7, bytes: 1 })
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(quota.hold, { kind: "storage", reason: "101 bytes of 50" })
      assert.lengthOf(admitted, 0)
      assert.isTrue(quota.mayStore())
      yield* Fiber.join(lane)
      assert.lengthOf(admitted, 2)
      assert.isUndefined(quota.hold)
    })
  )
})
