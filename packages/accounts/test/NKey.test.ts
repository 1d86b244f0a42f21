import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { fromPublic, fromSeed } from "@nats-io/nkeys"
import { Redacted } from "effect"
import * as fc from "fast-check"
import { NKey, type NKeyKind } from "../src/index.ts"

describe("NKey", () => {
  it("signs what nkeys verifies, and comes back from its seed", () => {
    fc.assert(
      fc.property(fc.constantFrom<NKeyKind>("operator", "account", "user"), fc.uint8Array(), (kind, data) => {
        const key = NKey.make(kind)
        const again = NKey.fromSeed(key.seed)
        assert.strictEqual(again.publicKey, key.publicKey)
        assert.strictEqual(fromSeed(new TextEncoder().encode(Redacted.value(key.seed))).getPublicKey(), key.publicKey)
        assert.isTrue(fromPublic(key.publicKey).verify(data, again.signer.sign(data)))
      }),
      { numRuns: 30 }
    )
  })

  it("prints as its public key, never as its seed", () => {
    const key = NKey.make("account")
    const seed = Redacted.value(key.seed)
    for (const text of [`${key}`, JSON.stringify(key), inspect(key, { depth: 10 })]) assert.notInclude(text, seed)
    assert.strictEqual(`${key}`, key.publicKey)
  })

  it("refuses a text that is no seed without repeating it", () => {
    const text = "SAnonsense-but-secret"
    assert.throws(() => NKey.fromSeed(Redacted.make(text)), /^(?!.*nonsense)/)
  })
})
