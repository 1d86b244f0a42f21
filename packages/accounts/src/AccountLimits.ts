/**
 * What a tenant may use, as one value. In an account's claims an absent limit can mean none or all there is, and -1
 * means unlimited: here every limit is written down, `"unlimited"` is a word of its own, 0 is none, and null is nothing.
 */
import type { OperatorLimits } from "@nats-io/jwt"
import { Schema } from "effect"

const count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))

/** A number of something, or as much as the server gives. */
export const Limit = Schema.Union([count, Schema.Literal("unlimited")])
export type Limit = typeof Limit.Type

export const AccountLimits = Schema.Struct({
  /** Client connections at once. */
  connections: Limit,
  /** Leaf nodes at once. */
  leafNodes: Limit,
  subscriptions: Limit,
  /** Bytes of one message, headers included. */
  payloadBytes: Limit,
  /** Bytes of the tenant's stream; never unlimited, because tenants share the disk. */
  streamBytes: count.check(Schema.isGreaterThan(0))
}).annotate({ identifier: "AccountLimits" })
export type AccountLimits = typeof AccountLimits.Type

const claimOf = (limit: Limit): number => (limit === "unlimited" ? -1 : limit)

/**
 * The limits in the form of an account's claims. A tenant's account has no JetStream of its own: its messages are stored
 * in the platform's account, behind the bridge, and `streamBytes` is the size of that stream. Suspended means that
 * nobody gets in and whoever is connected is cut.
 */
export const limitClaims = (limits: AccountLimits, isSuspended: boolean): OperatorLimits => ({
  conn: isSuspended ? 0 : claimOf(limits.connections),
  leaf: isSuspended ? 0 : claimOf(limits.leafNodes),
  subs: claimOf(limits.subscriptions),
  payload: claimOf(limits.payloadBytes),
  data: -1,
  imports: -1,
  exports: 0,
  wildcards: true,
  disallow_bearer: true,
  mem_storage: 0,
  disk_storage: 0,
  streams: 0,
  consumer: 0
})

/** The limits of an account that belongs to the platform. */
export const unlimitedClaims: OperatorLimits = {
  conn: -1,
  leaf: -1,
  subs: -1,
  payload: -1,
  data: -1,
  imports: -1,
  exports: -1,
  wildcards: true,
  disallow_bearer: true
}
