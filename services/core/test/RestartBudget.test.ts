import { assert, describe, it } from "@effect/vitest"
import { RestartBudget } from "../src/tenants/RestartBudget.ts"

describe("RestartBudget", () => {
  it("is used up by the failure that is one too many within the time, and says so once", () => {
    const budget = new RestartBudget(3, 1_000)
    assert.deepStrictEqual(
      [0, 600, 1_200, 1_300, 1_400].map((atMs) => budget.count(atMs)),
      [false, false, false, true, false]
    )
    assert.isTrue(budget.isUsedUp)
  })

  it("stays used up until the actor ran well", () => {
    const budget = new RestartBudget(1, 1_000)
    budget.count(0)
    budget.count(1_000_000)
    assert.isTrue(budget.isUsedUp)
    budget.refill()
    assert.isFalse(budget.isUsedUp)
    assert.isTrue(budget.count(2_000_000))
  })
})
