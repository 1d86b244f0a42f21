/**
 * What is wanted of a stream. Either a tenant has one stream for all its roots, or all tenants share one: pure functions
 * of tenants, mode and limits.
 */
import {
  DEFAULT_TENANT,
  type PrefixMode,
  patternsForTenant,
  ROOTS,
  SHARED_STREAM_NAME,
  streamName,
  type TenantSlug
} from "@bulkhead/channels"

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

/** What a stream may hold. */
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

/** Where a tenant's prefixed messages are in the shared stream. */
export const sharedStreamSubject = (tenant: TenantSlug): string => `${tenant}.>`

/**
 * The one stream of all tenants. It lists each tenant, because the server takes no `*.events.>` as a stream's subject,
 * and lists it once and not by root, because the server compares each subject with each other whenever the list changes
 * (docs/adr/0014). Without a prefix come the subjects of `default`.
 *
 * @stability stable
 */
export const sharedStreamConfig = (wanted: {
  readonly tenants: ReadonlyArray<TenantSlug>
  readonly mode: PrefixMode
  readonly limits: StreamLimits
}): StreamConfig => {
  const prefixed = wanted.mode === "legacy" ? [] : [...new Set(wanted.tenants)].sort().map(sharedStreamSubject)
  const unprefixed =
    wanted.mode === "prefixed" ? [] : ROOTS.flatMap((root) => patternsForTenant(DEFAULT_TENANT, `${root}.>`, "legacy"))
  return { name: SHARED_STREAM_NAME, subjects: [...prefixed, ...unprefixed], ...wanted.limits }
}
