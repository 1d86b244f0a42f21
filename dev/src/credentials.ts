/**
 * Credentials of the demo tenants for the programs that work for them, issued by core as for any customer.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { TenantSlug } from "@bulkhead/channels"
import type { CoreClient } from "@bulkhead/core/api"
import { Effect } from "effect"
import type { DevFolder } from "./DevFolder.ts"

/** The users' keys in the credentials, which the files say themselves. */
const USER_KEY = /^# user (\S+)\n/

/** A program and what it does for tenants. */
export interface Program {
  readonly name: string
  readonly role: "collector" | "service"
}

/** Puts `<slug>.creds` into the program's folder, unless there is one that is still good. */
export const issueCredentials = Effect.fnUntraced(function* (
  api: CoreClient,
  folder: DevFolder,
  tenant: TenantSlug,
  { name, role }: Program
) {
  const file = join(folder.credentials(name), `${tenant}.creds`)
  const [, known] = existsSync(file) ? (USER_KEY.exec(readFileSync(file, "utf8")) ?? []) : []
  const params = { slug: tenant }
  const listed = yield* api.credentials.list({ params })
  if (listed.some((user) => user.publicKey === known && user.revokedAt === undefined)) return
  const payload = { role, name, purpose: `${name} of the local platform`, expiresInDays: 365 }
  const { user, creds = "" } = yield* api.credentials.issue({ params, payload })
  writeFileSync(`${file}.new`, `# user ${user.publicKey}\n${creds}`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
})
