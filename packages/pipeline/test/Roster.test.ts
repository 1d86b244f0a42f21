import type { TenantSlug } from "@bulkhead/channels"
import { assert, describe, it } from "@effect/vitest"
import { Roster, type Seat } from "../src/Roster.ts"

const acme = "acme" as TenantSlug
const seatAt = (watermark: number): Seat => ({ tenant: acme, lane: { name: "events@now", id: 1 }, watermark })
const slow = { tenant: acme, reason: "slow", problem: "a lock" } as const

describe("Roster", () => {
  it("admits a held tenant only when all that was passed over is written", () => {
    const roster = new Roster()
    roster.hold(slow, 10)
    assert.isFalse(roster.admit(seatAt(9), 0))
    assert.isTrue(roster.isHeld(acme))
    assert.isTrue(roster.admit(seatAt(9), 10))
    assert.isFalse(roster.isHeld(acme))
    assert.strictEqual(roster.seatOf(acme)?.watermark, 9)
  })

  it("counts what is passed over while the tenant is held", () => {
    const roster = new Roster()
    roster.hold(slow, 10)
    roster.pass(acme, 12)
    assert.isFalse(roster.admit(seatAt(11), 11))
    assert.isTrue(roster.admit(seatAt(12), 0))
  })

  it("takes the seat from whom it holds, and keeps the newest reason", () => {
    const roster = new Roster()
    roster.admit(seatAt(5), 0)
    const hold = roster.hold(slow, 7)
    assert.isUndefined(roster.seatOf(acme))
    const { version } = roster
    roster.hold({ ...slow, reason: "refused" }, 6)
    assert.isAbove(roster.version, version)
    assert.strictEqual(hold.passedThrough, 7)
    assert.deepStrictEqual(roster.held, [{ tenant: acme, reason: "refused", problem: "a lock" }])
  })

  it("forgets a tenant that is gone", () => {
    const roster = new Roster()
    roster.hold(slow, 1)
    roster.forget(acme)
    assert.deepStrictEqual(roster.held, [])
  })
})
