/**
 * An installation: an operator whose root key signs nothing but the operator's own claims, a signing key that signs
 * every account, the system account, and the platform's account with the exports that tenants import.
 */
import { ROOTS } from "@bulkhead/channels"
import { type Account, encodeAccount, encodeOperator, type Operator } from "@nats-io/jwt"
import { unlimitedClaims } from "./AccountLimits.ts"
import { NKey } from "./NKey.ts"
import { READ_BACKS, readBackSubject } from "./readBack.ts"

/** The keys of an account of the platform's own: its name, and what signs its users and the tokens it gives away. */
export interface AccountKeys {
  readonly publicKey: string
  readonly signing: NKey
}

/** What signs; the operator's root key is not among it. */
export interface InstallationKeys {
  readonly name: string
  /** The operator's own claims. Only the root key could sign others, and nothing asks for that. */
  readonly operatorClaims: string
  /** Signs every account. */
  readonly operatorSigning: NKey
  readonly system: AccountKeys
  readonly platform: AccountKeys
}

/** Accounts' identities sign nothing, not even once: their seeds are forgotten where they are made. */
const makeAccountKeys = (): AccountKeys => ({
  publicKey: NKey.make("account").publicKey,
  signing: NKey.make("account")
})

/** New keys under a root key, which is not needed again. */
export const makeInstallation = async (name: string, root: NKey): Promise<InstallationKeys> => {
  const keys = {
    name,
    operatorSigning: NKey.make("operator"),
    system: makeAccountKeys(),
    platform: makeAccountKeys()
  }
  // With the last of these a server refuses what the root or an account's identity has signed.
  const operator: Partial<Operator> & { readonly strict_signing_key_usage: boolean } = {
    signing_keys: [keys.operatorSigning.publicKey],
    system_account: keys.system.publicKey,
    strict_signing_key_usage: true
  }
  return { ...keys, operatorClaims: await encodeOperator(name, root.signer, operator) }
}

/** The public side of the platform's accounts: what servers are given. */
export interface PlatformClaims {
  readonly system: string
  readonly platform: string
}

/** One private service for each root: `*.events.>` may be imported by whoever holds a token for one tenant's part. */
const services = ROOTS.map((root) => ({
  name: `tenants-${root}`,
  subject: `*.${root}.>`,
  type: "service" as const,
  token_req: true
}))

const streams = READ_BACKS.map((name) => ({
  name: `read-back-${name}`,
  subject: readBackSubject(name, "*"),
  type: "stream" as const,
  token_req: true
}))

/** Signs the claims of the system account and of the platform's. */
export const signPlatform = async (keys: InstallationKeys): Promise<PlatformClaims> => {
  const signedByOperator = { signer: keys.operatorSigning.signer }
  const system: Partial<Account> = { limits: unlimitedClaims, signing_keys: [keys.system.signing.publicKey] }
  const jetStream = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 }
  const platform: Partial<Account> = {
    limits: { ...unlimitedClaims, ...jetStream },
    signing_keys: [keys.platform.signing.publicKey],
    exports: [...services, ...streams]
  }
  return {
    system: await encodeAccount("SYS", keys.system.publicKey, system, signedByOperator),
    platform: await encodeAccount("PLATFORM", keys.platform.publicKey, platform, signedByOperator)
  }
}
