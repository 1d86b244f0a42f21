/**
 * What a tenant's account may use, as one value. In an account's claims an absent limit can mean none or nothing at all,
 * and -1 means unlimited: here every limit is written down, `"unlimited"` is a word of its own, and 0 is none.
 */
import type { OperatorLimits } from "@nats-io/jwt"

/** A number of something, or as much as the server gives. */
export type Limit = number | "unlimited"

export interface AccountLimits {
  /** Client connections at once. */
  readonly connections: Limit
  /** Leaf nodes at once. */
  readonly leafNodes: Limit
  readonly subscriptions: Limit
  /** Bytes of one message. */
  readonly payloadBytes: Limit
}

/** The plans of the platform. */
export const PLANS = {
  free: { connections: 10, leafNodes: 1, subscriptions: 500, payloadBytes: 262_144 },
  pro: { connections: 100, leafNodes: 10, subscriptions: 5_000, payloadBytes: 1_048_576 },
  enterprise: { connections: 10_000, leafNodes: 100, subscriptions: 100_000, payloadBytes: 1_048_576 }
} as const satisfies Readonly<Record<string, AccountLimits>>

const claimOf = (limit: Limit): number => (limit === "unlimited" ? -1 : limit)

/**
 * The limits in the form of an account's claims. A tenant's account has no JetStream of its own: its messages are stored
 * in the platform's account, behind the bridge.
 */
export const limitClaims = (limits: AccountLimits): OperatorLimits => ({
  conn: claimOf(limits.connections),
  leaf: claimOf(limits.leafNodes),
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
