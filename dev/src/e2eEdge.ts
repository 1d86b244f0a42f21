/**
 * `npm run e2e:edge`: two customers' sites end to end, from the package to PostgreSQL, with a line cut for a minute, a leaf
 * node killed and a package revoked. The last line is `edge sent S stored S duplicated 0 lost 0`; exit code 1 when anything
 * was doubled, lost, or stored for the site that was shut out.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Cause, Console, Effect } from "effect"
import { edgeRun } from "./edge/edgeRun.ts"
import { isClean } from "./rehearsal/tally.ts"

const OPTIONS = { lines: 2_000, outageMs: 60_000 }

Effect.gen(function* () {
  const { tally, revokedAfterMs, storedAfterRevocation, waitsAtRevokedSite } = yield* edgeRun(OPTIONS)
  yield* Console.log(
    `revoked: the line was cut after ${revokedAfterMs} ms, ${storedAfterRevocation} lines were stored since, ${waitsAtRevokedSite} wait at the site`
  )
  const { published, stored, duplicated, lost } = tally
  yield* Console.log(`edge sent ${published} stored ${stored} duplicated ${duplicated} lost ${lost}`)
  process.exitCode = isClean(tally) && storedAfterRevocation === 0 ? 0 : 1
}).pipe(
  Effect.tapCause((cause) =>
    Cause.hasInterruptsOnly(cause)
      ? Effect.void
      : Console.error(`e2e:edge: ${Cause.prettyErrors(cause)[0]?.message ?? Cause.pretty(cause)}`)
  ),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
