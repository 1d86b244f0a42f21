/**
 * The last step of making a tenant: a client with new credentials of its own reaches its stream. The message it sends
 * expects another stream, so the stream answers and stores nothing.
 */
import type { Tenant } from "@bulkhead/tenancy"
import { JetStreamApiError, jetstream } from "@nats-io/jetstream"
import { Effect, Schema } from "effect"
import { connectAsClient } from "./connectAsClient.ts"
import { TenantAccounts } from "./TenantAccounts.ts"

/** A tenant's client gets in, and its messages do not arrive. */
export class PublishingUnproven extends Schema.TaggedError<PublishingUnproven>()("PublishingUnproven", {
  problem: Schema.String
}) {
  override get message(): string {
    return `a client with the tenant's credentials does not reach its stream: ${this.problem}`
  }
}

/** What the stream says to a message that expects another one. */
const WRONG_STREAM = 10_060
const ANSWER_TIMEOUT_MS = 2_000

/** Where a client of a tenant sends what the stream shall refuse. */
export const PROBE_SUBJECT = "events.bulkhead.probe"

/** The client connects at once, and sends when the stream is there: when `stored` has come. */
export const provePublishing = Effect.fn("provePublishing")(function* (tenant: Tenant, stored: Effect.Effect<void>) {
  const accounts = yield* TenantAccounts
  if (!accounts.areKept) return
  const user = yield* accounts.probeUser(tenant, "collector")
  const connection = yield* connectAsClient(tenant, user).pipe(
    // Then the server let the credentials in as far as the tenant's own limit, and its clients are there already: there
    // is no place for one more, and what was asked for must not wait until one of them goes.
    Effect.catchIf(
      (error) => error._tag === "TenantRefused" && error.isFull,
      () => Effect.undefined
    )
  )
  if (connection === undefined) return
  yield* stored
  yield* Effect.tryPromise({
    try: async () => {
      const options = { expect: { streamName: "of-nobody" }, timeout: ANSWER_TIMEOUT_MS }
      const outcome: unknown = await jetstream(connection)
        .publish(PROBE_SUBJECT, "{}", options)
        .catch((error: unknown) => error)
      if (outcome instanceof JetStreamApiError && outcome.code === WRONG_STREAM) return
      throw outcome instanceof Error ? outcome : new Error("the stream stored what it should have refused")
    },
    catch: (cause) => new PublishingUnproven({ problem: cause instanceof Error ? cause.message : String(cause) })
  })
}, Effect.scoped)
