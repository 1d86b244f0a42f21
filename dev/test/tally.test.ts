import { assert, describe, it } from "@effect/vitest"
import { inBothTables, isClean, sum, tally, tallyText } from "../src/rehearsal/tally.ts"

const acknowledged = new Set(["a", "b", "c"])

describe("tally", () => {
  it("is clean where each acknowledged message has one row, whoever else has rows there", () => {
    const found = tally(acknowledged, ["c", "a", "b", "somebody else's"])
    assert.isTrue(isClean(found))
    assert.strictEqual(tallyText(found), "published 3 stored 3 duplicated 0 lost 0")
  })

  it("counts rows beyond the first as duplicated, and messages without one as lost", () => {
    const found = tally(acknowledged, ["a", "a", "a", "b"])
    assert.isFalse(isClean(found))
    assert.deepStrictEqual(found, { published: 3, stored: 4, duplicated: 2, lost: 1 })
  })

  it("is not clean where nothing was published", () => {
    assert.isFalse(isClean(tally(new Set(), [])))
  })

  it("adds up what is wrong in either table, and counts each message once", () => {
    const [good, bad] = [tally(acknowledged, acknowledged), tally(acknowledged, ["a", "a", "b"])]
    assert.deepStrictEqual(inBothTables(good, bad), { published: 3, stored: 3, duplicated: 1, lost: 1 })
    assert.deepStrictEqual(sum(good, bad), { published: 6, stored: 6, duplicated: 1, lost: 1 })
  })
})
