/**
 * Everything that a plan limits: what NATS holds a tenant to (`AccountLimits`), and what core does. A tenant has its
 * plan's limits, but for those that were set for it alone.
 */
import { Schema } from "effect"
import { AccountLimits, Limit } from "./AccountLimits.ts"

export const TenantLimits = Schema.Struct({
  ...AccountLimits.fields,
  /** Messages that are written for the tenant in a second, in the long run; what is above waits in its stream. */
  eventsPerSecond: Limit,
  /** Bytes of their payload in a second. */
  bytesPerSecond: Limit,
  /** So many seconds' worth of both rates may a tenant that sent less before have written at once. */
  burstSeconds: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 86_400 })),
  /** Bytes of the tenant's schema in PostgreSQL, indexes included; nothing more is written above it. */
  databaseBytes: Limit,
  /** Its share of the database against those of others, where they wait for each other. */
  commitWeight: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000 }))
}).annotate({ identifier: "TenantLimits" })
export type TenantLimits = typeof TenantLimits.Type

/** Limits of one tenant in place of its plan's: an absent one is the plan's, 0 is none, `"unlimited"` is a word. */
export type LimitOverrides = Partial<TenantLimits>

const MIB = 1024 * 1024
const GIB = 1024 * MIB

/** The plans of the platform. */
export const PLANS = {
  free: {
    connections: 10,
    leafNodes: 1,
    subscriptions: 500,
    payloadBytes: MIB / 4,
    streamBytes: 256 * MIB,
    eventsPerSecond: 1_000,
    bytesPerSecond: MIB,
    burstSeconds: 60,
    databaseBytes: 5 * GIB,
    commitWeight: 1
  },
  pro: {
    connections: 100,
    leafNodes: 10,
    subscriptions: 5_000,
    payloadBytes: MIB,
    streamBytes: GIB,
    eventsPerSecond: 10_000,
    bytesPerSecond: 10 * MIB,
    burstSeconds: 60,
    databaseBytes: 100 * GIB,
    commitWeight: 4
  },
  enterprise: {
    connections: 10_000,
    leafNodes: 100,
    subscriptions: 100_000,
    payloadBytes: MIB,
    streamBytes: 16 * GIB,
    eventsPerSecond: "unlimited",
    bytesPerSecond: "unlimited",
    burstSeconds: 60,
    databaseBytes: "unlimited",
    commitWeight: 16
  }
} as const satisfies Readonly<Record<string, TenantLimits>>

const isLimit = (name: string): name is keyof TenantLimits => name in TenantLimits.fields

/** The limits in force. A name in `overrides` that is none, because an older release does not know it yet, counts for nothing. */
export const limitsOf = (plan: keyof typeof PLANS, overrides: Readonly<Record<string, Limit>> = {}): TenantLimits => ({
  ...PLANS[plan],
  ...(Object.fromEntries(Object.entries(overrides).filter(([name]) => isLimit(name))) as LimitOverrides)
})

const accountLimitNames = Object.keys(AccountLimits.fields)

/** Those of the limits that NATS keeps. */
export const accountLimits = (limits: TenantLimits): AccountLimits =>
  Object.fromEntries(
    Object.entries(limits).filter(([name]) => accountLimitNames.includes(name))
  ) as unknown as AccountLimits
