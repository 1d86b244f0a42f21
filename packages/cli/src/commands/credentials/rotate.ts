/**
 * `bulkhead credentials rotate`: a successor of the same role, name and purpose; the old one stays good for a while.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { changeCore } from "../../core/askCore.ts"
import { dryRun } from "../../options/dryRun.ts"
import { tenant } from "../../options/tenant.ts"
import { durationFlag } from "../../options/units.ts"
import { expiresInDays, out, publicKeyArgument, publicKeyFlag } from "./credentialOptions.ts"
import { handOut } from "./handOut.ts"

const OVERLAP_DEFAULT_MS = 3_600_000

export const rotate = Command.make(
  "rotate",
  {
    tenant,
    old: publicKeyArgument,
    out,
    overlap: durationFlag("overlap").pipe(
      Flag.withDefault(OVERLAP_DEFAULT_MS),
      Flag.withDescription("How long the old one stays good beside the new one, 30d at most; 1h without")
    ),
    expiresInDays,
    publicKey: publicKeyFlag,
    dryRun
  },
  Effect.fnUntraced(function* ({ tenant: slug, old, overlap, expiresInDays, dryRun, ...to }) {
    const ask = yield* changeCore(dryRun)
    const key = Option.isNone(to.publicKey) ? {} : { publicKey: to.publicKey.value }
    const payload = { expiresInDays, overlapSeconds: Math.ceil(overlap / 1000), ...key }
    yield* handOut(
      ask((core) => core.credentials.rotate({ params: { slug, publicKey: old }, payload })),
      to
    )
  })
).pipe(
  Command.withDescription("Issue a successor; the old credential is revoked by itself after the overlap"),
  Command.withExamples([
    {
      command: "bulkhead credentials rotate acme UA… --out edge-1.new.creds --overlap 24h",
      description: "A day to bring the new file to its user"
    }
  ])
)
