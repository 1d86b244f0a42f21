/**
 * `bulkhead packages list`: the sites of a tenant that have a package.
 */
import type { IssuedUser } from "@bulkhead/core/api"
import * as Command from "effect/cli/Command"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { askCore } from "../../core/askCore.ts"
import { tenant } from "../../options/tenant.ts"
import { print } from "../../output/print.ts"
import { table } from "../../output/table.ts"
import { time } from "../../output/units.ts"
import { isGood, siteOf } from "./siteCredential.ts"

const stateOf = (user: IssuedUser, now: DateTime.DateTime): string => {
  if (user.revokedAt !== undefined) return "revoked"
  return isGood(user, now) ? "issued" : "expired"
}

export const list = Command.make(
  "list",
  { tenant },
  Effect.fnUntraced(function* ({ tenant: slug }) {
    const ask = yield* askCore
    const users = yield* ask((core) => core.credentials.list({ params: { slug } }))
    const now = yield* DateTime.now
    const packages = users.flatMap((user) => {
      const site = siteOf(user)
      const { publicKey, issuedAt, expiresAt } = user
      return site === undefined ? [] : [{ site, state: stateOf(user, now), issuedAt, expiresAt, publicKey }]
    })
    yield* print(packages, (packages) =>
      table(
        [
          { title: "site", cell: ({ site }) => site },
          { title: "state", cell: ({ state }) => state },
          { title: "issued", cell: ({ issuedAt }) => time(issuedAt) },
          { title: "expires", cell: ({ expiresAt }) => time(expiresAt) },
          { title: "credential", cell: ({ publicKey }) => publicKey }
        ],
        packages,
        `Tenant "${slug}" has no package yet`
      )
    )
  })
).pipe(
  Command.withDescription("List the packages of a tenant's sites, and whether each is still good"),
  Command.withExamples([{ command: "bulkhead packages list acme", description: "Every site of acme" }])
)
