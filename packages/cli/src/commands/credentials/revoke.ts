/**
 * `bulkhead credentials revoke`: nobody connects with it ever again.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { changeCore } from "../../core/askCore.ts"
import { confirmUnlessDry, yes } from "../../options/confirm.ts"
import { dryRun } from "../../options/dryRun.ts"
import { tenant } from "../../options/tenant.ts"
import { print } from "../../output/print.ts"
import { publicKeyArgument } from "./credentialOptions.ts"

export const revoke = Command.make(
  "revoke",
  { tenant, publicKey: publicKeyArgument, dryRun, yes },
  Effect.fnUntraced(function* (input) {
    const { tenant: slug, publicKey, dryRun } = input
    const ask = yield* changeCore(dryRun)
    yield* confirmUnlessDry(`Revoking ${publicKey} of "${slug}" cuts whoever uses it, for ever`, input)
    const user = yield* ask((core) => core.credentials.revoke({ params: { slug, publicKey } }))
    yield* print(user, ({ name, role }) => `${publicKey} (${role} "${name}") is revoked`)
  })
).pipe(
  Command.withDescription("Revoke a credential for ever, and cut whoever is connected with it"),
  Command.withExamples([{ command: "bulkhead credentials revoke acme UA… --yes", description: "Without being asked" }])
)
