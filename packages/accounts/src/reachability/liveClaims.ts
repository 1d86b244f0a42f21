import type { NatsConnection } from "@nats-io/nats-core"
import { Effect } from "effect"
import { ClaimsError } from "../ClaimsError.ts"

const TIMEOUT_MS = 5_000
const LOOKUPS_AT_ONCE = 32

const failed = (problem: string, cause: unknown) =>
  new ClaimsError({
    operation: "liveClaims",
    problem,
    nextStep: "Check that the user is of the system account and may ask this",
    isRetryable: true,
    cause
  })

/**
 * The claims of every account that a server holds, asked over a connection of the system account.
 *
 * **Fails**: `ClaimsError` when one of them cannot be had: a proof over the others would prove nothing.
 */
export const liveClaims = Effect.fn("liveClaims")(function* (system: NatsConnection) {
  const request = (subject: string) =>
    Effect.tryPromise({
      try: () => system.request(subject, "", { timeout: TIMEOUT_MS }),
      catch: (cause) => failed(`${subject} was not answered`, cause)
    })
  const list = (yield* request("$SYS.REQ.CLAIMS.LIST")).json<{ readonly data: ReadonlyArray<string> }>()
  return yield* Effect.forEach(
    list.data,
    Effect.fnUntraced(function* (account: string) {
      const claims = (yield* request(`$SYS.REQ.ACCOUNT.${account}.CLAIMS.LOOKUP`)).string()
      return claims === "" ? yield* failed(`account ${account} was listed and has no claims`, undefined) : claims
    }),
    { concurrency: LOOKUPS_AT_ONCE }
  )
})
