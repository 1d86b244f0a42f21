import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { AccountLimits, accountLimits, limitsOf, PLANS, TenantLimits } from "../src/index.ts"

describe("TenantLimits", () => {
  it("are the plan's, but for what was set for the tenant alone: 0 and unlimited are values, absent is none", () => {
    assert.deepStrictEqual(limitsOf("free"), PLANS.free)
    const limits = limitsOf("free", { eventsPerSecond: 0, databaseBytes: "unlimited" })
    assert.deepStrictEqual(limits, { ...PLANS.free, eventsPerSecond: 0, databaseBytes: "unlimited" })
  })

  it("leave out a name that this release does not know", () => {
    assert.deepStrictEqual(limitsOf("pro", { ofANewerRelease: 5 }), PLANS.pro)
  })

  it("give NATS what NATS keeps, and no more", () => {
    for (const limits of Object.values(PLANS)) {
      const given = accountLimits(limits)
      assert.deepStrictEqual(Object.keys(given).sort(), Object.keys(AccountLimits.fields).sort())
      assert.isTrue(Schema.is(AccountLimits)(given))
    }
  })

  it("are valid in every plan", () => {
    for (const limits of Object.values(PLANS)) assert.isTrue(Schema.is(TenantLimits)(limits))
  })
})
