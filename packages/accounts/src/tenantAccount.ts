/**
 * A tenant's account and its bridge. For each root the account imports the platform's service `<slug>.<root>.>` under
 * the local name `<root>.>`, with a token that the platform signed for this account and this slug. So a client publishes
 * `events.x` and the platform receives `<slug>.events.x`: the server adds the prefix, and no client can add another.
 * What the platform gives back comes the other way, as private streams.
 */
import { ROOTS, type TenantSlug } from "@bulkhead/channels"
import { encodeAccount, encodeActivation, type Import } from "@nats-io/jwt"
import { type AccountLimits, limitClaims } from "./AccountLimits.ts"
import type { AccountKeys, InstallationKeys } from "./Installation.ts"
import { NKey } from "./NKey.ts"
import { READ_BACKS, readBackLocal, readBackSubject } from "./readBack.ts"
import { scopeOf, TENANT_ROLES, type TenantRole } from "./roles.ts"

/** The keys of a tenant's account: one for each role, and none that could sign beyond its role. */
export interface TenantKeys {
  readonly publicKey: string
  readonly signing: Readonly<Record<TenantRole, NKey>>
}

/** New keys for a new account. Its identity signs nothing: only its name is kept. */
export const makeTenantKeys = (): TenantKeys => ({
  publicKey: NKey.make("account").publicKey,
  signing: Object.fromEntries(TENANT_ROLES.map((role) => [role, NKey.make("account")])) as TenantKeys["signing"]
})

/** What is wanted of a tenant's account. */
export interface TenantAccount {
  readonly tenant: TenantSlug
  readonly limits: AccountLimits
  /** Nobody gets in, and whoever is connected is cut. */
  readonly isSuspended?: boolean
  /** Users that are no longer welcome: public key → the second up to which their claims are refused. */
  readonly revoked?: Readonly<Record<string, number>>
}

interface Bridge {
  readonly type: "service" | "stream"
  readonly name: string
  /** In the platform's account. */
  readonly subject: string
  /** In the tenant's. */
  readonly local: string
}

const bridgesOf = (tenant: TenantSlug): ReadonlyArray<Bridge> => [
  ...ROOTS.map(
    (root) => ({ type: "service", name: root, subject: `${tenant}.${root}.>`, local: `${root}.>` }) as const
  ),
  ...READ_BACKS.map(
    (name) => ({ type: "stream", name, subject: readBackSubject(name, tenant), local: readBackLocal(name) }) as const
  )
]

const importOf = async (bridge: Bridge, account: string, platform: AccountKeys): Promise<Import> => {
  const { type, name, subject, local } = bridge
  const activation = { subject, kind: type }
  const signer = { signer: platform.signing.signer }
  const token = await encodeActivation(name, account, platform.publicKey, type, activation, signer)
  return { name, subject, type, account: platform.publicKey, local_subject: local, token }
}

/**
 * Signs the claims of a tenant's account. The same input gives claims that mean the same, whenever they are signed. The
 * account's public key needs its role keys' public halves alone.
 */
export const signTenantAccount = async (
  account: TenantAccount,
  keys: TenantKeys,
  installation: InstallationKeys
): Promise<string> =>
  encodeAccount(
    account.tenant,
    keys.publicKey,
    {
      limits: limitClaims(account.limits, account.isSuspended === true),
      signing_keys: TENANT_ROLES.map((role) => scopeOf(role, keys.signing[role])),
      imports: await Promise.all(
        bridgesOf(account.tenant).map((bridge) => importOf(bridge, keys.publicKey, installation.platform))
      ),
      ...(account.revoked === undefined ? {} : { revocations: { ...account.revoked } })
    },
    { signer: installation.operatorSigning.signer }
  )
