/**
 * The keys and accounts that an installation begins with: an operator whose root key signs nothing but its own claims,
 * a signing key that signs everything else, the system account, and the platform's account with the exports that tenants
 * import.
 */
import { ROOTS } from "@bulkhead/channels"
import { type Account, encodeAccount, encodeOperator, type Operator } from "@nats-io/jwt"
import { type AccountKeys, makeAccountKeys } from "./AccountKeys.ts"
import { unlimitedClaims } from "./AccountLimits.ts"
import { NKey } from "./NKey.ts"

/** The secret side: only the signer holds these. */
export interface InstallationKeys {
  readonly operator: NKey
  readonly operatorSigning: NKey
  readonly system: AccountKeys
  readonly platform: AccountKeys
}

/** The public side: what servers are given. */
export interface InstallationClaims {
  readonly operator: string
  readonly system: string
  readonly platform: string
}

/** New keys for a new installation. */
export const makeInstallationKeys = (): InstallationKeys => ({
  operator: NKey.make("operator"),
  operatorSigning: NKey.make("operator"),
  system: makeAccountKeys(),
  platform: makeAccountKeys()
})

/** A server refuses accounts whose signer is not the operator or one of these. */
const signedBy = (keys: InstallationKeys) => ({ signer: keys.operatorSigning.signer })

/** One private service for each root: `*.events.>` may be imported by whoever holds a token for one tenant's part. */
const tenantExports = ROOTS.map((root) => ({
  name: `tenants-${root}`,
  subject: `*.${root}.>`,
  type: "service" as const,
  token_req: true
}))

/** Signs the claims of the operator and of the platform's own accounts. */
export const signInstallation = async (name: string, keys: InstallationKeys): Promise<InstallationClaims> => {
  const operator: Partial<Operator> = {
    signing_keys: [keys.operatorSigning.publicKey],
    system_account: keys.system.identity.publicKey
  }
  // With this the server refuses what an identity key has signed: neither the root nor an account's own key is needed again.
  const strict = { ...operator, strict_signing_key_usage: true }
  const system: Partial<Account> = { limits: unlimitedClaims, signing_keys: [keys.system.signing.publicKey] }
  const jetStream = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 }
  const platform: Partial<Account> = {
    limits: { ...unlimitedClaims, ...jetStream },
    signing_keys: [keys.platform.signing.publicKey],
    exports: tenantExports
  }
  return {
    operator: await encodeOperator(name, keys.operator.signer, strict),
    system: await encodeAccount("SYS", keys.system.identity.signer, system, signedBy(keys)),
    platform: await encodeAccount("PLATFORM", keys.platform.identity.signer, platform, signedBy(keys))
  }
}
