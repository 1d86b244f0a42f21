import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { TokenBucket } from "../src/internal/TokenBucket.ts"

const amounts = fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 100 })
const rate = fc.integer({ min: 1, max: 10_000 })
const burst = fc.integer({ min: 1, max: 10_000 })

describe("TokenBucket", () => {
  it("lets no more pass than a burst, the rate since then, and the last amount", () => {
    fc.assert(
      fc.property(rate, burst, amounts, (ratePerSecond, burst, wanted) => {
        const bucket = new TokenBucket(ratePerSecond, burst, 0)
        let nowMs = 0
        let passed = 0
        for (const amount of wanted) {
          nowMs += bucket.waitMs(amount, nowMs)
          bucket.take(amount, nowMs)
          passed += amount
          assert.isAtMost(passed, Math.max(burst, amount) + (ratePerSecond * nowMs) / 1_000 + 1e-6)
        }
      })
    )
  })

  it("lets all of its rate pass: whoever waits as long as it says never waits again for the same", () => {
    fc.assert(
      fc.property(rate, burst, amounts, (ratePerSecond, burst, wanted) => {
        const bucket = new TokenBucket(ratePerSecond, burst, 0)
        let nowMs = 0
        for (const amount of wanted) {
          nowMs += bucket.waitMs(amount, nowMs)
          assert.closeTo(bucket.waitMs(amount, nowMs), 0, 1e-6)
          bucket.take(amount, nowMs)
        }
        const total = wanted.reduce((sum, amount) => sum + amount, 0)
        assert.isAtMost(nowMs, (total / ratePerSecond) * 1_000 + 1e-6)
      })
    )
  })

  it("lets nothing pass at rate 0, and everything without a limit", () => {
    assert.strictEqual(new TokenBucket(0, 0, 0).waitMs(1, 1e12), Number.POSITIVE_INFINITY)
    const free = new TokenBucket(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 0)
    for (let round = 0; round < 3; round += 1) {
      assert.strictEqual(free.waitMs(1e9, 0), 0)
      free.take(1e9, 0)
    }
  })

  it("keeps what it has when the clock is set back", () => {
    const bucket = new TokenBucket(10, 100, 1_000_000)
    bucket.take(100, 1_000_000)
    assert.strictEqual(bucket.waitMs(10, 0), 1_000)
    assert.strictEqual(bucket.waitMs(10, 1_000), 0)
  })
})
