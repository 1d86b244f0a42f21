/**
 * What a client of the tenant meets: the account that lets it in, its role's permissions, and the bridge to the platform.
 * A client with credentials of its own tries them; the message it sends is one that every stream refuses.
 */
import type { SignerError } from "@bulkhead/account-signer/client"
import { DEFAULT_TENANT } from "@bulkhead/channels"
import type { Tenant } from "@bulkhead/tenancy"
import { errors, type NatsConnection } from "@nats-io/transport-node"
import { Effect } from "effect"
import { connectAsClient } from "../accounts/connectAsClient.ts"
import type { TenantRefused } from "../accounts/connectAsTenant.ts"
import { PROBE_SUBJECT } from "../accounts/provePublishing.ts"
import { TenantAccounts } from "../accounts/TenantAccounts.ts"
import type { Finding } from "../api/DiagnosisApi.ts"
import { harmless } from "../canary/walls.ts"
import { failed, LOOK_TIMEOUT_MS, ok, skipped, unanswered, unexplained } from "./finding.ts"

export interface ClientFindings {
  readonly account: Finding
  readonly permissions: Finding
  readonly bridge: Finding
}

const ANSWER_TIMEOUT_MS = 2_000
/** Signs it again, and gives it to all servers. */
const SIGN_AGAIN = "Have it signed again: change one of the tenant's limits, and back"

/** No client gets in, so nothing more can be tried. */
const onlyAccount = (account: Finding): ClientFindings => {
  const rest = skipped(account.outcome === "skipped" ? account.seen : "no client of the tenant gets in")
  return { account, permissions: rest, bridge: rest }
}

const refused = ({ slug }: Tenant, { isFull, isRefusal, message }: TenantRefused): Finding => {
  if (isFull) {
    return failed(
      "the tenant's clients have all the connections that its limit gives; another one is refused",
      `Raise it, or end clients: bulkhead tenants limits set ${slug} connections=<n>`
    )
  }
  const nextStep = isRefusal
    ? "The servers do not have the account as it was signed: look at account-signer's log"
    : "Check that clients can connect to what core has in NATS_URL"
  return failed(message, nextStep)
}

/** Without the signer nobody can tell how a new client fares; those that are there go on. */
const unsigned = ({ message, isRetryable }: SignerError): Finding =>
  failed(message, isRetryable ? "Check that account-signer runs and is ready" : "Look at account-signer's log")

/** What becomes of a message that a collector of the tenant publishes. */
type Arrival = "arrived" | "denied" | "lost"

const send = (connection: NatsConnection) =>
  Effect.promise(async (): Promise<Arrival> => {
    try {
      await connection.request(PROBE_SUBJECT, "{}", { timeout: ANSWER_TIMEOUT_MS, headers: harmless() })
      return "arrived"
    } catch (error) {
      const isDenied = [error, (error as Error).cause].some((one) => one instanceof errors.PermissionViolationError)
      return isDenied ? "denied" : "lost"
    }
  })

const findingsOf = (arrival: Arrival, isStreamThere: boolean): Omit<ClientFindings, "account"> => {
  if (arrival === "denied") {
    return {
      permissions: failed(
        `a collector may not publish "${PROBE_SUBJECT}"`,
        `The account on the servers is not as it was signed. ${SIGN_AGAIN}`
      ),
      bridge: skipped("nothing can be published")
    }
  }
  const permissions = ok(`a collector may publish "${PROBE_SUBJECT}"`)
  if (arrival === "arrived") return { permissions, bridge: ok("its messages reach the platform's account") }
  if (!isStreamThere) return { permissions, bridge: skipped("there is no stream that could answer") }
  const seen = "what the tenant's clients publish does not reach the platform's account"
  return {
    permissions,
    bridge: failed(seen, `The account on the servers has no import that works. ${SIGN_AGAIN}`)
  }
}

/** `isStreamThere` tells a bridge that is broken from one at whose end nobody answers. */
export const checkClient = Effect.fnUntraced(function* (tenant: Tenant, isStreamThere: boolean) {
  const accounts = yield* TenantAccounts
  const { slug, status } = tenant
  if (!accounts.areKept) return onlyAccount(skipped("this installation keeps no accounts (CORE_ACCOUNTS=none)"))
  if (slug === DEFAULT_TENANT) return onlyAccount(skipped("its messages come from the platform's own account"))
  if (status === "suspended") {
    return onlyAccount(
      failed("the tenant is suspended: no client gets in", `Let it in: bulkhead tenants resume ${slug}`)
    )
  }
  if (status === "deleting") {
    return onlyAccount(failed("the tenant is being deleted", "Wait until it is gone, then create it anew"))
  }
  return yield* Effect.gen(function* () {
    const user = yield* accounts.probeUser(tenant, "collector")
    const connection = yield* connectAsClient(tenant, user)
    const account = ok("the servers let a client of the tenant in")
    return { account, ...findingsOf(yield* send(connection), isStreamThere) }
  }).pipe(
    Effect.scoped,
    Effect.catchTags({
      TenantRefused: (error) => Effect.succeed(onlyAccount(refused(tenant, error))),
      SignerError: (error) => Effect.succeed(onlyAccount(unsigned(error)))
    }),
    Effect.timeoutOrElse({ duration: LOOK_TIMEOUT_MS, orElse: () => Effect.succeed(onlyAccount(unanswered)) }),
    Effect.catch((error) => Effect.succeed(onlyAccount(unexplained(error))))
  )
})
