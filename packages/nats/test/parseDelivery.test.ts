import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { parseDelivery } from "../src/internal/parseDelivery.ts"

const token = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/)
const count = fc.nat(Number.MAX_SAFE_INTEGER)
const ms = fc.integer({ min: 1, max: 4_000_000_000_000 })

describe("parseDelivery", () => {
  it("reads both forms of the reply subject", () => {
    fc.assert(
      fc.property(
        fc.tuple(token, token, token, token, token),
        fc.tuple(count, count, ms, count),
        fc.boolean(),
        (
          [domain, account, stream, consumer, random],
          [streamSequence, deliverySequence, storedAtMs, pending],
          isNew
        ) => {
          const figures = `1.${streamSequence}.${deliverySequence}.${storedAtMs}000000.${pending}`
          const reply = isNew
            ? `$JS.ACK.${domain}.${account}.${stream}.${consumer}.${figures}.${random}`
            : `$JS.ACK.${stream}.${consumer}.${figures}`
          assert.deepStrictEqual(parseDelivery(reply), { streamSequence, deliverySequence, storedAtMs, pending })
        }
      )
    )
  })
})
