/**
 * What all sources say of one flag, and which of them wins for a tenant.
 */
import { hash } from "node:crypto"
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

/** A tenant's place between 0 and 100, the same on every machine, unrelated between flags. */
export const rolloutPlace = (flag: string, tenant: string): number =>
  (Number.parseInt(hash("sha256", `${flag}/${tenant}`).slice(0, 8), 16) / 2 ** 32) * 100

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
