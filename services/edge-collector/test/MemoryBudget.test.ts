import { assert, it } from "@effect/vitest"
import { MemoryBudget } from "../src/MemoryBudget.ts"

it("memory is taken in the order in which it was asked for, and never more than there is", async () => {
  const memory = new MemoryBudget(100)
  assert.isTrue(memory.tryTake(60))
  assert.isFalse(memory.tryTake(50))
  const order: Array<string> = []
  const large = memory.take(80).then(() => order.push("large"))
  const small = memory.take(20).then(() => order.push("small"))
  assert.isFalse(memory.tryTake(1), "not before those who wait")
  assert.deepStrictEqual([memory.takenBytes, memory.waiting], [60, 2])
  memory.give(60)
  await Promise.all([large, small])
  assert.deepStrictEqual(order, ["large", "small"])
  assert.deepStrictEqual([memory.takenBytes, memory.waiting], [100, 0])
  memory.give(100)
  assert.isTrue(memory.tryTake(100))
})
