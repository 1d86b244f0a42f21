/**
 * A tenant's account and its bridge. For each root the account imports the platform's service `<slug>.<root>.>` under
 * the local name `<root>.>`, with a token that the platform signed for this account and this slug. So a client publishes
 * `events.x` and the platform receives `<slug>.events.x`: the server adds the prefix, and no client can add another.
 */
import { ROOTS, type TenantSlug } from "@bulkhead/channels"
import { encodeAccount, encodeActivation, type Import } from "@nats-io/jwt"
import type { AccountKeys } from "./AccountKeys.ts"
import { type AccountLimits, limitClaims } from "./AccountLimits.ts"
import type { InstallationKeys } from "./Installation.ts"

/** Whose account, with which key and limits. */
export interface TenantAccount {
  readonly tenant: TenantSlug
  readonly keys: AccountKeys
  readonly limits: AccountLimits
  /** Users that are no longer welcome: public key → the second up to which their claims are refused. */
  readonly revoked?: Readonly<Record<string, number>>
}

const bridge = (account: TenantAccount, { platform }: InstallationKeys): Promise<Array<Import>> =>
  Promise.all(
    ROOTS.map(async (root): Promise<Import> => {
      const subject = `${account.tenant}.${root}.>`
      const token = await encodeActivation(
        root,
        account.keys.identity.publicKey,
        platform.identity.publicKey,
        "service",
        { subject, kind: "service" },
        { signer: platform.signing.signer }
      )
      const name = `${root} of ${account.tenant}`
      return { name, subject, type: "service", account: platform.identity.publicKey, local_subject: `${root}.>`, token }
    })
  )

/** Signs the claims of a tenant's account. The same input gives claims that mean the same, whenever they are signed. */
export const signTenantAccount = async (account: TenantAccount, keys: InstallationKeys): Promise<string> =>
  encodeAccount(
    account.tenant,
    account.keys.identity.signer,
    {
      limits: limitClaims(account.limits),
      signing_keys: [account.keys.signing.publicKey],
      imports: await bridge(account, keys),
      ...(account.revoked === undefined ? {} : { revocations: { ...account.revoked } })
    },
    { signer: keys.operatorSigning.signer }
  )
