/**
 * Puts a credential into its file, unless one lies there that is good for more than a third of its time. The file names
 * its user, so that whoever looks can tell.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import type { TenantSlug } from "@bulkhead/channels"
import type { CoreClient } from "@bulkhead/core/api"
import { Clock, DateTime, Effect } from "effect"
import { ProvisionError } from "./ProvisionError.ts"
import type { WantedCredential } from "./TenantsFile.ts"

const USER_KEY = /^# user (\S+)\n/
const RENEW_BELOW = 1 / 3
const DAY_MS = 86_400_000

const write = (file: string, text: string) =>
  Effect.try({
    try: () => {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
      // Whole or not at all: a reader never sees half a file.
      writeFileSync(`${file}.new`, text, { mode: 0o600 })
      renameSync(`${file}.new`, file)
    },
    catch: (cause) =>
      new ProvisionError({
        problem: `The credential's file "${file}" cannot be written (${(cause as NodeJS.ErrnoException).code})`,
        nextStep: "Check the rights of its folder"
      })
  })

/** Gives a line that says what was done. */
export const ensureCredential = Effect.fnUntraced(function* (
  api: CoreClient,
  folder: string,
  slug: TenantSlug,
  wanted: WantedCredential
) {
  const { role, name, expiresInDays } = wanted
  const file = join(folder, wanted.file)
  const [, known] = existsSync(file) ? (USER_KEY.exec(readFileSync(file, "utf8")) ?? []) : []
  const params = { slug }
  const users = yield* api.credentials.list({ params })
  const soon = (yield* Clock.currentTimeMillis) + expiresInDays * DAY_MS * RENEW_BELOW
  const isGood = users.some(
    (user) =>
      user.publicKey === known &&
      user.role === role &&
      user.revokedAt === undefined &&
      DateTime.toEpochMillis(user.expiresAt) > soon
  )
  if (isGood) return `${slug}: ${wanted.file} is good`
  yield* write(file, "")
  const payload = { role, name, purpose: `file ${wanted.file}`, expiresInDays }
  const { user, creds = "" } = yield* api.credentials.issue({ params, payload })
  yield* write(file, `# user ${user.publicKey}\n${creds}`)
  return `${slug}: new ${wanted.file}, ${role} "${name}"`
})
