/**
 * The site's own identity: an operator, accounts and users that exist on this one leaf node and mean nothing to the
 * platform. So collectors come in with a credentials file, which is what ready-made ones can be given, also while the
 * platform is out of reach; and whoever takes over the site has nothing that another site or the platform would accept,
 * but the leaf node's own credentials, which can be revoked.
 */
import { type AccountKeys, credsFile, NKey, signPlatformUser } from "@bulkhead/accounts"
import { encodeAccount, encodeOperator, type Operator } from "@nats-io/jwt"
import type { Redacted } from "effect"
import { domainOf, type Site } from "./Site.ts"
import { SITE_USER_NAMES, SITE_USERS, type SiteUser } from "./siteUsers.ts"

/** An account of the leaf node. */
export interface SiteAccount {
  readonly publicKey: string
  readonly claims: string
}

export interface SiteIdentity {
  readonly operatorClaims: string
  readonly accounts: Readonly<Record<"system" | "buffer" | "uplink", SiteAccount>>
  /** The text of each user's `.creds` file. */
  readonly credentials: Readonly<Record<SiteUser, Redacted.Redacted<string>>>
}

/** Users of the site stay good as long as the site does: whoever is to be shut out loses the leaf node's credentials. */
const USER_YEARS = 10

const YEAR_MS = 365 * 86_400_000

const unlimited = { conn: -1, leaf: -1, subs: -1, payload: -1, data: -1, imports: -1, exports: -1, wildcards: true }
const ownStreams = { mem_storage: 0, disk_storage: -1, streams: -1, consumer: -1 }

/** New keys; the seeds of operator and accounts are forgotten here, so nobody can add a user later. */
export const makeSiteIdentity = async (site: Pick<Site, "tenant" | "name">): Promise<SiteIdentity> => {
  const name = domainOf(site)
  const root = NKey.make("operator")
  const operator = NKey.make("operator")
  const keys = { system: makeKeys(), buffer: makeKeys(), uplink: makeKeys() }
  const operatorFields: Partial<Operator> = {
    signing_keys: [operator.publicKey],
    system_account: keys.system.publicKey
  }

  const account = async (kind: keyof typeof keys): Promise<SiteAccount> => {
    const { publicKey, signing } = keys[kind]
    const limits = kind === "buffer" ? { ...unlimited, ...ownStreams } : unlimited
    const fields = { limits, signing_keys: [signing.publicKey] }
    return { publicKey, claims: await encodeAccount(`${name} ${kind}`, publicKey, fields, { signer: operator.signer }) }
  }

  const credentials = async (user: SiteUser): Promise<readonly [SiteUser, Redacted.Redacted<string>]> => {
    const { account: kind, permissions } = SITE_USERS[user]
    const key = NKey.make("user")
    const identity = { name: user, publicKey: key.publicKey, expiresAt: new Date(Date.now() + USER_YEARS * YEAR_MS) }
    return [user, credsFile(await signPlatformUser(identity, permissions, keys[kind]), key)]
  }

  return {
    operatorClaims: await encodeOperator(name, root.signer, operatorFields),
    accounts: {
      system: await account("system"),
      buffer: await account("buffer"),
      uplink: await account("uplink")
    },
    credentials: Object.fromEntries(await Promise.all(SITE_USER_NAMES.map(credentials))) as SiteIdentity["credentials"]
  }
}

const makeKeys = (): AccountKeys => ({ publicKey: NKey.make("account").publicKey, signing: NKey.make("account") })
