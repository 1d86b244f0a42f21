/**
 * What all sources say of one flag, and which of them wins for a tenant.
 */
import type { TenantSlug } from "@bulkhead/channels"
import type { Flag } from "../Flag.ts"

/** A value for a share of the tenants. */
export interface Rollout<A> {
  readonly value: A
  /** 0 to 100; a tenant that is in at 10 is in at 20. */
  readonly percent: number
}

/** What the bucket says; each part may be absent. */
export interface LiveSettings<A> {
  readonly everyone?: A
  readonly rollout?: Rollout<A>
  readonly tenants: ReadonlyMap<string, A>
}

/**
 * A tenant's place from 0 up to 100: the same on every machine and in every release, unrelated between flags. FNV-1a
 * with the final mixing of MurmurHash3, because it is asked for each message and a cryptographic hash costs ten times
 * as much.
 */
export const rolloutPlace = (flag: string, tenant: string): number => {
  const text = `${flag}/${tenant}`
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) * (100 / 2 ** 32)
}

/** The value in force: tenant, then rollout, then everyone, then environment or default. */
export const resolve = <A>(
  flag: Flag<A>,
  base: A,
  live: LiveSettings<A> | undefined,
  tenant: TenantSlug | undefined
): A => {
  if (live === undefined) return base
  if (tenant !== undefined) {
    const own = live.tenants.get(tenant)
    if (own !== undefined) return own
    if (live.rollout !== undefined && rolloutPlace(flag.key, tenant) < live.rollout.percent) return live.rollout.value
  }
  return live.everyone ?? base
}
