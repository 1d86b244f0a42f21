/**
 * Of a comparison what concerns one tenant: its own stream, its consumers, and in the shared stream what concerns all.
 * What is wrong with the installation as a whole stays in it.
 */
import { SHARED_STREAM_NAME, streamName, type TenantSlug } from "@bulkhead/channels"
import type { StreamChange, StreamDiff } from "./StreamChange.ts"

const isOf = (change: StreamChange, tenant: TenantSlug): boolean => {
  if (change.stream === streamName(tenant)) return true
  if (change.stream !== SHARED_STREAM_NAME) return false
  return !("consumer" in change && "wanted" in change) || (change.wanted.tenant ?? tenant) === tenant
}

export const changesOfTenant = (diff: StreamDiff, tenant: TenantSlug): StreamDiff => ({
  ...diff,
  changes: diff.changes.filter((change) => isOf(change, tenant)),
  problems: diff.problems.filter(
    ({ stream }) => stream === undefined || stream === streamName(tenant) || stream === SHARED_STREAM_NAME
  )
})
