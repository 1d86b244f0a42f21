/**
 * What an installation's servers and services are given at their first start, as files of one folder. A file that is
 * there and still good stays as it is, so a run that was interrupted is simply run again.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { isDeepStrictEqual } from "node:util"
import {
  credsFile,
  type InstallationKeys,
  NKey,
  operatorConfig,
  signPlatform,
  signPlatformUser
} from "@bulkhead/accounts"
import { decode, type Permissions, type User } from "@nats-io/jwt"
import { Redacted } from "effect"
import { PLATFORM_USERS, type PlatformUserName } from "./platformUsers.ts"

export interface InstallationFolder {
  readonly folder: string
  /** Whether each file lies in a folder of its own, so that each service can be given its own and no other. */
  readonly foldersApart?: boolean
  /** Where each server keeps claims, in that server's file system. */
  readonly resolverFolder: string
  readonly credsDays: number
}

const DAY_MS = 86_400_000
/** A credentials file is made anew when it has less than this part of its time left. */
const RENEW_BELOW = 1 / 3

/** Whole or not at all: a reader never sees half a file. */
const writeWhole = (file: string, text: string): void => {
  writeFileSync(`${file}.new`, text, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

/** Signed by whom it should be, with the permissions of this release and enough of its time left. */
const isGood = (file: string, issuer: string, permissions: Permissions, credsDays: number): boolean => {
  if (!existsSync(file)) return false
  const [, signed = ""] = /BEGIN NATS USER JWT-+\s+(\S+)/.exec(readFileSync(file, "utf8")) ?? []
  try {
    const { iss, exp = 0, nats } = decode<User>(signed)
    const { pub, sub, resp } = nats
    return (
      iss === issuer &&
      isDeepStrictEqual(withoutAbsent({ pub, sub, resp }), withoutAbsent({ ...permissions })) &&
      exp * 1_000 - Date.now() > credsDays * DAY_MS * RENEW_BELOW
    )
  } catch {
    return false
  }
}

/** What is absent and what is empty mean the same in claims. */
const withoutAbsent = (permissions: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.entries(permissions).filter(([, rule]) => rule !== undefined && Object.keys(rule as object).length > 0)
  )

/** The file that is for `owner`, in a folder that is there. */
const fileFor = ({ folder, foldersApart = false }: InstallationFolder, owner: string, name: string): string => {
  const own = foldersApart ? join(folder, owner) : folder
  mkdirSync(own, { recursive: true, mode: 0o700 })
  return join(own, name)
}

const writeCreds = async (name: PlatformUserName, keys: InstallationKeys, to: InstallationFolder): Promise<boolean> => {
  const file = fileFor(to, name, `${name}.creds`)
  const { account, permissions } = PLATFORM_USERS[name]
  if (isGood(file, keys[account].signing.publicKey, permissions, to.credsDays)) return false
  const key = NKey.make("user")
  const expiresAt = new Date(Date.now() + to.credsDays * DAY_MS)
  const claims = await signPlatformUser({ name, publicKey: key.publicKey, expiresAt }, permissions, keys[account])
  writeWhole(file, Redacted.value(credsFile(claims, key)))
  return true
}

/**
 * Writes `operator.conf`, which every server's configuration includes, and a credentials file for each service; gives
 * the names of the credentials that are new.
 */
export const writeInstallation = async (
  keys: InstallationKeys,
  to: InstallationFolder
): Promise<ReadonlyArray<PlatformUserName>> => {
  writeWhole(
    fileFor(to, "nats-server", "operator.conf"),
    operatorConfig(keys, await signPlatform(keys), to.resolverFolder)
  )
  const made: Array<PlatformUserName> = []
  for (const name of Object.keys(PLATFORM_USERS) as Array<PlatformUserName>) {
    if (await writeCreds(name, keys, to)) made.push(name)
  }
  return made
}
