/**
 * A connection with a tenant's own credentials, as one of its clients would make it.
 */

import { readFileSync } from "node:fs"
import { userAuthenticator } from "@bulkhead/accounts"
import { natsConfig } from "@bulkhead/nats"
import { connect, type NatsConnection } from "@nats-io/transport-node"
import { type Config, Effect, Schema, type Scope } from "effect"
import type { ProbeUser } from "./TenantAccounts.ts"

/** The servers let nobody in with these credentials, or were not there. */
export class TenantRefused extends Schema.TaggedError<TenantRefused>()("TenantRefused", {
  problem: Schema.String,
  /** The server said no, as opposed to not answering. */
  isRefusal: Schema.Boolean,
  /** The credentials are good, and clients of the tenant have all the connections that its plan gives. */
  isFull: Schema.Boolean
}) {
  override get message(): string {
    return `a client with the tenant's credentials could not connect: ${this.problem}`
  }
}

const CONNECT_TIMEOUT_MS = 5_000

/** Connects once, without trying again; closed with the scope. */
export const connectAsTenant: (
  user: ProbeUser
) => Effect.Effect<NatsConnection, TenantRefused | Config.ConfigError, Scope.Scope> = Effect.fnUntraced(
  function* (user) {
    const { servers, tlsCaFile } = yield* natsConfig
    return yield* Effect.acquireRelease(
      Effect.tryPromise({
        try: () =>
          connect({
            servers: [...servers],
            name: "core-probe",
            authenticator: userAuthenticator(user.claims, user.key),
            reconnect: false,
            timeout: CONNECT_TIMEOUT_MS,
            ...(tlsCaFile === undefined ? {} : { tls: { ca: readFileSync(tlsCaFile, "utf8") } })
          }),
        catch: (cause) => {
          const problem = cause instanceof Error ? cause.message : String(cause)
          return new TenantRefused({
            problem,
            isRefusal: /authorization|authentication/i.test(problem),
            isFull: /maximum account active connections/i.test(problem)
          })
        }
      }),
      (connection) => Effect.promise(() => connection.close())
    )
  }
)
