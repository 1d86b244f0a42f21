/**
 * Users: what a role may do, and the credentials file that lets a program connect as one.
 */
import { ROOTS } from "@bulkhead/channels"
import { encodeUser, fmtCreds, type Permissions } from "@nats-io/jwt"
import { Redacted } from "effect"
import type { AccountKeys } from "./AccountKeys.ts"
import { NKey } from "./NKey.ts"

/** The roles of a tenant's users. A collector publishes the tenant's telemetry and reads nothing but its own answers. */
export type TenantRole = "collector"

/** A user's own inbox, which no other user may read. */
export const inboxPrefixOf = (user: string): string => `_INBOX_${user}`

const permissionsOf = (role: TenantRole, user: string): Permissions => {
  const roles: Record<TenantRole, Permissions> = {
    collector: { pub: { allow: ROOTS.map((root) => `${root}.>`) }, sub: { allow: [`${inboxPrefixOf(user)}.>`] } }
  }
  return roles[role]
}

/** What is known of a user without its secret, and the secret file. */
export interface UserCredentials {
  readonly publicKey: string
  /** The text of a `.creds` file. */
  readonly creds: Redacted.Redacted<string>
}

/** Signs a user with any permissions, valid until `expiresAt`. */
export const signUser = async (
  account: AccountKeys,
  name: string,
  permissions: Permissions,
  expiresAt: Date
): Promise<UserCredentials> => {
  const key = NKey.make("user")
  const exp = Math.floor(expiresAt.getTime() / 1_000)
  const options = { exp, signer: account.signing.signer }
  const jwt = await encodeUser(name, key.publicKey, account.identity.publicKey, permissions, options)
  const creds = new TextDecoder().decode(fmtCreds(jwt, key.signer))
  return { publicKey: key.publicKey, creds: Redacted.make(creds) }
}

/** Signs a tenant's user. Its inbox prefix is `inboxPrefixOf(name)`, which the client has to be told. */
export const signTenantUser = (account: AccountKeys, name: string, role: TenantRole, expiresAt: Date) =>
  signUser(account, name, permissionsOf(role, name), expiresAt)
