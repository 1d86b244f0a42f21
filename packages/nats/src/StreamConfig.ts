/**
 * What is wanted of a stream. A tenant has one stream for all its roots: a pure function of tenant, mode and limits.
 */
import { type PrefixMode, patternsForTenant, ROOTS, streamName, type TenantSlug } from "@bulkhead/channels"

export interface StreamConfig {
  readonly name: string
  readonly subjects: ReadonlyArray<string>
  /** As much as the account has when absent. */
  readonly maxBytes?: number
  /** Messages older than this are removed, milliseconds; 0 keeps them. */
  readonly maxAgeMs: number
  /** Servers that hold a copy. When absent, a new stream has one and a present one keeps what it has. */
  readonly replicas?: number
}

/** What a tenant's stream may hold. */
export interface StreamLimits {
  readonly maxBytes: number
  readonly maxAgeMs: number
  readonly replicas?: number
}

/**
 * The stream of one tenant. Undefined when the tenant has no subject in this mode: a customer in mode `legacy`, whose
 * messages are in the stream of `default`.
 *
 * @stability stable
 */
export const tenantStreamConfig = (wanted: {
  readonly tenant: TenantSlug
  readonly mode: PrefixMode
  readonly limits: StreamLimits
}): StreamConfig | undefined => {
  const subjects = ROOTS.flatMap((root) => patternsForTenant(wanted.tenant, `${root}.>`, wanted.mode))
  return subjects.length === 0 ? undefined : { name: streamName(wanted.tenant), subjects, ...wanted.limits }
}
