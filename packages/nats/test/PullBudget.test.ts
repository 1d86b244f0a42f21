import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { PullBudget } from "../src/internal/PullBudget.ts"

const MIB = 1024 * 1024
/** With the shares of all readers, less than the 64 MiB that a server holds for a client. */
const BUSY_BYTES = 24 * MIB

const withReaders = (count: number): PullBudget => {
  const budget = new PullBudget()
  for (let reader = 0; reader < count; reader += 1) budget.enter()
  return budget
}

describe("PullBudget", () => {
  it("gives each reader an equal share, between a large and a small one", () => {
    assert.strictEqual(withReaders(0).share, MIB / 4)
    assert.strictEqual(withReaders(10).share, MIB / 4)
    assert.strictEqual(withReaders(2_000).share, Math.floor(BUSY_BYTES / 2_000))
    assert.strictEqual(withReaders(1_000_000).share, 4 * 1024)
    const budget = withReaders(200)
    for (let reader = 0; reader < 150; reader += 1) budget.leave()
    assert.strictEqual(budget.share, MIB / 4)
  })

  it("never has more out than there is, and has all again once all is back", () => {
    const moves = fc.array(fc.oneof(fc.integer({ min: 1, max: 64 * MIB }), fc.constant("back" as const)))
    fc.assert(
      fc.property(moves, fc.integer({ min: 1, max: 5_000 }), (wishes, readers) => {
        const budget = withReaders(readers)
        const out: Array<number> = []
        for (const wish of wishes) {
          if (wish === "back") budget.giveBack(out.shift() ?? 0)
          else {
            const granted = budget.take(wish)
            assert.isTrue(granted === 0 || (granted > budget.share && granted <= wish))
            out.push(granted)
          }
          assert.isAtMost(
            out.reduce((sum, granted) => sum + granted, 0),
            BUSY_BYTES
          )
        }
        for (const granted of out) budget.giveBack(granted)
        assert.strictEqual(budget.take(BUSY_BYTES), BUSY_BYTES)
      })
    )
  })

  it("tells all who wait when something comes back, each once, and not those who gave up", () => {
    const budget = withReaders(1)
    const all = budget.take(BUSY_BYTES)
    const told: Array<string> = []
    budget.whenRoom(() => told.push("a"))
    budget.whenRoom(() => told.push("b"))
    budget.whenRoom(() => told.push("gave up"))()
    budget.giveBack(0)
    assert.isEmpty(told)
    budget.giveBack(all)
    assert.deepStrictEqual(told, ["a", "b"])
    budget.giveBack(budget.take(MIB))
    assert.deepStrictEqual(told, ["a", "b"])
  })

  it("lets one who finds nothing left wait again", () => {
    const budget = withReaders(1)
    const first = budget.take(MIB)
    budget.take(BUSY_BYTES)
    let granted = 0
    const wait = () => {
      granted = budget.take(2 * MIB)
      if (granted === 0) budget.whenRoom(wait)
    }
    budget.whenRoom(wait)
    budget.giveBack(1)
    assert.strictEqual(granted, 0)
    budget.giveBack(first - 1)
    assert.strictEqual(granted, MIB)
  })
})
