import { assert, describe, it } from "@effect/vitest"
import { outcome } from "../examples/decode-event.ts"

describe("examples/decode-event", () => {
  it("says why the event is no row", () => {
    assert.strictEqual(
      outcome,
      "dead letter, missing_field: $.activity_id: is missing or 0: send an integer from 1 to 2147483647"
    )
  })
})
