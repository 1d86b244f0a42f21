/**
 * `bulkhead credentials issue`: a new credential of a role.
 */
import { TenantRole } from "@bulkhead/accounts"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { changeCore } from "../../core/askCore.ts"
import { dryRun } from "../../options/dryRun.ts"
import { tenant } from "../../options/tenant.ts"
import { expiresInDays, out, publicKeyFlag } from "./credentialOptions.ts"
import { handOut } from "./handOut.ts"

export const issue = Command.make(
  "issue",
  {
    tenant,
    role: Flag.Literals("role", TenantRole.literals).pipe(Flag.withDescription("What its user may do")),
    name: Flag.String("name").pipe(
      Flag.withMetavar("<name>"),
      Flag.withDescription("Who uses it, as reports will call it: a-z, 0-9 and -, at most 63")
    ),
    purpose: Flag.String("purpose").pipe(
      Flag.withMetavar("<text>"),
      Flag.withDescription("What it is for; it stands in the audit record")
    ),
    out,
    expiresInDays,
    publicKey: publicKeyFlag,
    dryRun
  },
  Effect.fnUntraced(function* ({ tenant: slug, role, name, purpose, expiresInDays, dryRun, ...to }) {
    const ask = yield* changeCore(dryRun)
    const key = Option.isNone(to.publicKey) ? {} : { publicKey: to.publicKey.value }
    const payload = { role, name, purpose, expiresInDays, ...key }
    yield* handOut(
      ask((core) => core.credentials.issue({ params: { slug }, payload })),
      to
    )
  })
).pipe(
  Command.withDescription("Issue a credential; its secret is in the file that this writes and nowhere else"),
  Command.withExamples([
    {
      command:
        'bulkhead credentials issue acme --role collector --name edge-1 --purpose "collector of site 1" --out edge-1.creds',
      description: "Into a file that only you can read"
    }
  ])
)
