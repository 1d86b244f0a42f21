/**
 * The last step of making a tenant: a client with new credentials of its own reaches its stream. The message it sends
 * expects another stream, so the stream answers and stores nothing.
 */
import { limitsOf } from "@bulkhead/accounts"
import type { Tenant } from "@bulkhead/tenancy"
import { JetStreamApiError, jetstream } from "@nats-io/jetstream"
import { Effect, Schema } from "effect"
import { connectAsTenant, type TenantRefused } from "./connectAsTenant.ts"
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

/**
 * Whether clients of the tenant have all its connections. A server that closes the socket in the same moment as it says so
 * is often not heard: then the connections are counted.
 */
const isFull = Effect.fnUntraced(function* (tenant: Tenant, refused: TenantRefused) {
  if (refused.isFull || refused.isRefusal) return refused.isFull
  const { connections } = limitsOf(tenant.plan, tenant.limits)
  const taken = (yield* TenantAccounts).connections(tenant)
  return connections !== "unlimited" && (yield* Effect.orElseSucceed(taken, () => 0)) >= connections
})

export const provePublishing = Effect.fn("provePublishing")(function* (tenant: Tenant) {
  const accounts = yield* TenantAccounts
  if (!accounts.areKept) return
  const user = yield* accounts.probeUser(tenant, "collector")
  const connection = yield* connectAsTenant(user).pipe(
    // Then the server let the credentials in as far as the tenant's own limit, and its clients are there already: there
    // is no place for one more, and what was asked for must not wait until one of them goes.
    Effect.catchTag("TenantRefused", (refused) =>
      Effect.flatMap(isFull(tenant, refused), (full) => (full ? Effect.undefined : Effect.fail(refused)))
    )
  )
  if (connection === undefined) return
  yield* Effect.tryPromise({
    try: async () => {
      const options = { expect: { streamName: "of-nobody" }, timeout: ANSWER_TIMEOUT_MS }
      const outcome: unknown = await jetstream(connection)
        .publish("events.bulkhead.probe", "{}", options)
        .catch((error: unknown) => error)
      if (outcome instanceof JetStreamApiError && outcome.code === WRONG_STREAM) return
      throw outcome instanceof Error ? outcome : new Error("the stream stored what it should have refused")
    },
    catch: (cause) => new PublishingUnproven({ problem: cause instanceof Error ? cause.message : String(cause) })
  })
}, Effect.scoped)
