/**
 * `bulkhead credentials list`: every credential of a tenant, and whether it is still good.
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

const stateOf = ({ revokedAt, retiresAt, expiresAt }: IssuedUser, now: DateTime.DateTime): string => {
  if (revokedAt !== undefined) return `revoked ${time(revokedAt)}`
  if (DateTime.isLessThanOrEqualTo(expiresAt, now)) return "expired"
  return retiresAt === undefined ? "good" : `retires ${time(retiresAt)}`
}

export const list = Command.make(
  "list",
  { tenant },
  Effect.fnUntraced(function* ({ tenant: slug }) {
    const ask = yield* askCore
    const users = yield* ask((core) => core.credentials.list({ params: { slug } }))
    const now = yield* DateTime.now
    yield* print(users, (users) =>
      table(
        [
          { title: "public key", cell: ({ publicKey }) => publicKey },
          { title: "role", cell: ({ role }) => role },
          { title: "name", cell: ({ name }) => name },
          { title: "state", cell: (user) => stateOf(user, now) },
          { title: "expires", cell: ({ expiresAt }) => time(expiresAt) },
          { title: "purpose", cell: ({ purpose }) => purpose }
        ],
        users,
        `Tenant "${slug}" has no credential yet`
      )
    )
  })
).pipe(
  Command.withDescription("List a tenant's credentials, good and revoked"),
  Command.withExamples([{ command: "bulkhead credentials list acme", description: "Who may connect as acme" }])
)
