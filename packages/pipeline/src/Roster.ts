/**
 * Who goes along in a lane that many tenants share, and who is held back. A seat belongs to one opening of the tenant's
 * lane: whatever was sorted for an earlier seat is never written through a later one, because between the two the tenant
 * may have been deleted and another one made under its slug.
 */
import type { TenantSlug } from "@bulkhead/channels"
import type { HeldTenant, HoldReason, OpenLane } from "@bulkhead/storage"

/** A tenant that goes along. */
export interface Seat {
  readonly tenant: TenantSlug
  readonly lane: OpenLane
  /** The last sequence that is written. */
  watermark: number
}

/** A tenant that is held back. */
export interface Hold {
  readonly tenant: TenantSlug
  reason: HoldReason
  problem: string
  /** The last of its messages that was passed over. */
  passedThrough: number
}

export class Roster {
  readonly #seats = new Map<TenantSlug, Seat>()
  readonly #holds = new Map<TenantSlug, Hold>()
  /** Rises with each change of who is held and why. */
  version = 0

  get seated(): number {
    return this.#seats.size
  }

  get held(): ReadonlyArray<HeldTenant> {
    return [...this.#holds.values()].map(({ tenant, reason, problem }) => ({ tenant, reason, problem }))
  }

  seatOf(tenant: TenantSlug): Seat | undefined {
    return this.#seats.get(tenant)
  }

  isHeld(tenant: TenantSlug): boolean {
    return this.#holds.has(tenant)
  }

  /** Lets a tenant go along, unless more of its messages were passed over than were written meanwhile. */
  admit(seat: Seat, writtenThrough: number): boolean {
    const hold = this.#holds.get(seat.tenant)
    if (hold !== undefined && hold.passedThrough > Math.max(writtenThrough, seat.watermark)) return false
    this.#seats.set(seat.tenant, seat)
    if (this.#holds.delete(seat.tenant)) this.version += 1
    return true
  }

  /** Holds a tenant back; `passedThrough` is its last message that is passed over. Says what it is held with. */
  hold({ tenant, reason, problem }: HeldTenant, passedThrough: number): Hold {
    this.#seats.delete(tenant)
    const known = this.#holds.get(tenant) ?? { tenant, reason, problem, passedThrough }
    this.#holds.set(tenant, known)
    known.passedThrough = Math.max(known.passedThrough, passedThrough)
    this.explain(known, reason, problem)
    return known
  }

  /** Says anew why a tenant is held. */
  explain(hold: Hold, reason: HoldReason, problem: string): void {
    hold.reason = reason
    hold.problem = problem
    this.version += 1
  }

  /** A tenant is passed over once more. */
  pass(tenant: TenantSlug, through: number): void {
    const hold = this.#holds.get(tenant)
    if (hold !== undefined) hold.passedThrough = Math.max(hold.passedThrough, through)
  }

  /** Forgets a tenant that is gone with all its messages. */
  forget(tenant: TenantSlug): void {
    if (this.#holds.delete(tenant)) this.version += 1
  }
}
