import { randomUUID } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { ownerOf } from "../src/replicas/ownerOf.ts"

const NAMES = Array.from({ length: 2_000 }, (_, index) => `tenant-${index}`)

const members = (count: number) => Array.from({ length: count }, () => ({ id: randomUUID() as string }))

describe("ownerOf", () => {
  it("gives the same owner whatever the order of the members", () => {
    const three = members(3)
    for (const name of NAMES.slice(0, 100)) assert.strictEqual(ownerOf(name, three), ownerOf(name, three.toReversed()))
  })

  it("has no owner without members", () => {
    assert.isUndefined(ownerOf("acme", []))
  })

  it("shares evenly, also names that differ in a digit", () => {
    for (const count of [2, 3, 7]) {
      const all = members(count)
      const shares = Map.groupBy(NAMES, (name) => ownerOf(name, all))
      // Five standard deviations of an even share.
      const spread = 5 * Math.sqrt((NAMES.length / count) * (1 - 1 / count))
      for (const { id } of all) {
        assert.closeTo(shares.get(id)?.length ?? 0, NAMES.length / count, spread)
      }
    }
  })

  it("moves names to a member that joins, and none between the others", () => {
    const before = members(3)
    const joined = { id: randomUUID() as string }
    for (const name of NAMES) {
      const after = ownerOf(name, [...before, joined])
      if (after !== joined.id) assert.strictEqual(after, ownerOf(name, before))
    }
  })
})
