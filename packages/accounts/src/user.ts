/**
 * Users: claims for a key that somebody else made, and the credentials file that lets a program connect.
 */
import { encodeUser, fmtCreds, type Permissions, type User } from "@nats-io/jwt"
import type { Authenticator } from "@nats-io/nats-core"
import { Redacted } from "effect"
import type { AccountKeys } from "./Installation.ts"
import type { NKey } from "./NKey.ts"
import type { TenantRole } from "./roles.ts"
import type { TenantKeys } from "./tenantAccount.ts"

/** Who gets in. The seed of `publicKey` is not needed to sign for it. */
export interface UserIdentity {
  /** For people: what the server's reports and events call this user. */
  readonly name: string
  readonly publicKey: string
  readonly expiresAt: Date
}

const secondOf = (time: Date): number => Math.floor(time.getTime() / 1_000)

/** Signs a user of a tenant; its permissions are those of the role in the account's claims. */
export const signTenantUser = (user: UserIdentity, role: TenantRole, keys: TenantKeys): Promise<string> =>
  encodeUser(user.name, user.publicKey, keys.publicKey, {} as Partial<User>, {
    exp: secondOf(user.expiresAt),
    signer: keys.signing[role].signer,
    // Without any permission of its own, or the server refuses it.
    scopedUser: true
  })

/** Signs a user of one of the platform's own accounts, with exactly these permissions. */
export const signPlatformUser = (user: UserIdentity, permissions: Permissions, keys: AccountKeys): Promise<string> =>
  encodeUser(user.name, user.publicKey, keys.publicKey, permissions, {
    exp: secondOf(user.expiresAt),
    signer: keys.signing.signer
  })

/**
 * How a program that has a user's claims and key in hand connects: for `authenticator` of `@nats-io/nats-core`. Signs as
 * `NKey` does.
 */
export const userAuthenticator =
  (claims: string, key: NKey): Authenticator =>
  (nonce = "") => ({
    jwt: claims,
    nkey: key.publicKey,
    sig: Buffer.from(key.signer.sign(new TextEncoder().encode(nonce))).toString("base64url")
  })

/** The text of a `.creds` file, from a user's claims and key. */
export const credsFile = (claims: string, key: NKey): Redacted.Redacted<string> =>
  Redacted.make(new TextDecoder().decode(fmtCreds(claims, key.signer)))
