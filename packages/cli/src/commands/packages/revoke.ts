/**
 * `bulkhead packages revoke`: shuts a site out.
 */
import * as Command from "effect/cli/Command"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { failed } from "../../CommandFailed.ts"
import { changeCore } from "../../core/askCore.ts"
import { EXIT } from "../../ExitCode.ts"
import { confirmUnlessDry, yes } from "../../options/confirm.ts"
import { dryRun } from "../../options/dryRun.ts"
import { tenant } from "../../options/tenant.ts"
import { print } from "../../output/print.ts"
import { isGood, siteArgument, siteOf } from "./siteCredential.ts"

export const revoke = Command.make(
  "revoke",
  { tenant, site: siteArgument, dryRun, yes },
  Effect.fnUntraced(function* (input) {
    const { tenant: slug, site, dryRun } = input
    const ask = yield* changeCore(dryRun)
    yield* confirmUnlessDry(`Revoking the package of site "${site}" of "${slug}" cuts its line for ever`, input)
    const users = yield* ask((core) => core.credentials.list({ params: { slug } }))
    const now = yield* DateTime.now
    const good = users.filter((user) => siteOf(user) === site && isGood(user, now))
    if (good.length === 0) {
      const problem = `Site "${site}" of tenant "${slug}" has no package that is good`
      return yield* failed(EXIT.fault, problem, `See bulkhead packages list ${slug}`)
    }
    for (const { publicKey } of good) {
      yield* ask((core) => core.credentials.revoke({ params: { slug, publicKey } }))
    }
    const credentials = good.map(({ publicKey }) => publicKey)
    yield* print({ tenant: slug, site, credentials }, () => `Site "${site}" of tenant "${slug}" is shut out`)
  })
).pipe(
  Command.withDescription("Revoke the package of a site: its line to the platform is cut at once, and for ever"),
  Command.withExamples([
    { command: "bulkhead packages revoke acme berlin --yes", description: "What waits at the site stays there" }
  ])
)
