import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { kubernetesName } from "../src/internal/kubernetesName.ts"

const part = (lengthMax: number) =>
  fc.string({ unit: fc.constantFrom(..."abAB01_.-"), minLength: 1, maxLength: lengthMax })
const name = (lengthMax: number) => fc.record({ owner: part(lengthMax), purpose: part(lengthMax) })

describe("kubernetesName", () => {
  it("is a DNS name of at most 253 characters, whatever the secret's", () => {
    fc.assert(
      fc.property(name(200), (secret) => {
        const text = kubernetesName("p".repeat(63), secret)
        assert.match(text, /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
        assert.isAtMost(text.length, 253)
      })
    )
  })

  it("differs wherever the names differ, even by case, by a dot or by where the owner ends", () => {
    fc.assert(
      fc.property(name(3), name(3), (one, other) => {
        const isSame = one.owner === other.owner && one.purpose === other.purpose
        assert.strictEqual(kubernetesName("p", one) === kubernetesName("p", other), isSame)
      }),
      { numRuns: 2_000 }
    )
    const names = [
      ["p", "a-b", "c"],
      ["p", "a", "b-c"],
      ["p-a", "b", "c"],
      ["p", "A-b", "c"],
      ["p", "a.b", "c"]
    ].map(([prefix = "", owner = "", purpose = ""]) => kubernetesName(prefix, { owner, purpose }))
    assert.strictEqual(new Set(names).size, names.length)
  })

  it("is recognised by a person", () => {
    assert.match(
      kubernetesName("bulkhead", { owner: "acme", purpose: "account_keys" }),
      /^bulkhead-acme-account-keys-[0-9a-f]{40}$/
    )
  })
})
