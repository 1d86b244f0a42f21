/**
 * Gives claims to the servers, and does not believe it before a server has said so.
 */
import type { NatsConnection } from "@nats-io/nats-core"
import { Effect, Schema } from "effect"

/** A server did not take an account's claims. */
export class ClaimsRefused extends Schema.TaggedError<ClaimsRefused>("@bulkhead/accounts/ClaimsRefused")(
  "ClaimsRefused",
  { problem: Schema.String, isRetryable: Schema.Boolean, cause: Schema.optional(Schema.Defect()) }
) {
  override get message(): string {
    return `The server did not take the account's claims: ${this.problem}`
  }
}

const PUSH_SUBJECT = "$SYS.REQ.CLAIMS.UPDATE"
const TIMEOUT_MS = 5_000

interface PushReply {
  readonly data?: { readonly code: number }
  readonly error?: { readonly description: string }
}

/** Pushes an account's claims over a connection of the system account. Safe to repeat. */
export const pushClaims = Effect.fn("pushClaims")(function* (system: NatsConnection, jwt: string) {
  const reply = yield* Effect.tryPromise({
    try: async () => (await system.request(PUSH_SUBJECT, jwt, { timeout: TIMEOUT_MS })).json<PushReply>(),
    catch: (cause) =>
      new ClaimsRefused({ problem: `no answer within ${TIMEOUT_MS} ms: try again`, isRetryable: true, cause })
  })
  if (reply.data?.code === 200) return
  const problem = reply.error?.description ?? "an answer without a reason"
  return yield* new ClaimsRefused({ problem, isRetryable: false })
})
