import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { edgeRun } from "../src/edge/edgeRun.ts"

describe("customers' sites", () => {
  it.live(
    "lose and double nothing when a line is cut and a leaf node killed, and one that is revoked stores nothing more",
    () =>
      Effect.gen(function* () {
        const { tally, storedAfterRevocation, waitsAtRevokedSite } = yield* edgeRun({ lines: 300, outageMs: 0 })
        assert.deepStrictEqual(tally, { published: 1_200, stored: 1_200, duplicated: 0, lost: 0 })
        assert.strictEqual(storedAfterRevocation, 0)
        assert.strictEqual(waitsAtRevokedSite, 300)
      }),
    180_000
  )
})
