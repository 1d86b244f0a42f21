/**
 * Sorts a batch of all tenants by the tenant that each message's subject names. Plain code: it runs once a message.
 */
import { baseOffset, DEFAULT_TENANT, NO_BASE, type Root, type TenantSlug } from "@bulkhead/channels"
import type { StreamMessage } from "@bulkhead/nats"

export interface SplitBatch {
  /** Each tenant's messages, in stream order. */
  readonly parts: ReadonlyMap<TenantSlug, ReadonlyArray<StreamMessage>>
  /** Messages whose subject names no tenant that could exist: nobody's. */
  readonly nobodys: ReadonlyArray<StreamMessage>
}

/** Takes the messages of `root`; without a prefix they are `default`'s. */
export const splitByTenant = (messages: ReadonlyArray<StreamMessage>, root: Root): SplitBatch => {
  const parts = new Map<TenantSlug, Array<StreamMessage>>()
  const nobodys: Array<StreamMessage> = []
  const base = `${root}.`
  for (const message of messages) {
    const { subject } = message
    const offset = baseOffset(subject)
    if (offset === NO_BASE) {
      nobodys.push(message)
      continue
    }
    // `*.events.>` also takes `logs.events.x`, which is unprefixed and of another root.
    if (!subject.startsWith(base, offset)) continue
    const tenant = offset === 0 ? DEFAULT_TENANT : (subject.slice(0, offset - 1) as TenantSlug)
    const known = parts.get(tenant)
    if (known === undefined) parts.set(tenant, [message])
    else known.push(message)
  }
  return { parts, nobodys }
}
