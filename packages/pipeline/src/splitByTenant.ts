/**
 * Sorts a batch of all tenants by the tenant that each message's subject names. Plain code: it runs once a message.
 */
import { baseOffset, DEFAULT_TENANT, NO_BASE, subjectMatches, type TenantSlug } from "@bulkhead/channels"
import type { StreamMessage } from "@bulkhead/nats"

export interface SplitBatch {
  /** Each tenant's messages, in stream order. */
  readonly parts: ReadonlyMap<TenantSlug, ReadonlyArray<StreamMessage>>
  /** Messages whose subject names no tenant that could exist: nobody's. */
  readonly nobodys: ReadonlyArray<StreamMessage>
}

/** Takes the messages of base subjects under `patterns`; without a prefix they are `default`'s. */
export const splitByTenant = (messages: ReadonlyArray<StreamMessage>, patterns: ReadonlyArray<string>): SplitBatch => {
  const parts = new Map<TenantSlug, Array<StreamMessage>>()
  const nobodys: Array<StreamMessage> = []
  for (const message of messages) {
    const { subject } = message
    const offset = baseOffset(subject)
    if (offset === NO_BASE) {
      nobodys.push(message)
      continue
    }
    // `*.events.>` also takes `logs.events.x`, which is unprefixed and of another root.
    const base = subject.slice(offset)
    if (!patterns.some((pattern) => subjectMatches(pattern, base))) continue
    const tenant = offset === 0 ? DEFAULT_TENANT : (subject.slice(0, offset - 1) as TenantSlug)
    const known = parts.get(tenant)
    if (known === undefined) parts.set(tenant, [message])
    else known.push(message)
  }
  return { parts, nobodys }
}
