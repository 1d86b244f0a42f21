/**
 * The reachability proof over an installation: what the servers hold, and not what the signer believes it gave them.
 */
import { AccountServers, ClaimsError, type InstallationKeys, proveIsolation } from "@bulkhead/accounts"
import { decode } from "@nats-io/jwt"
import { Effect } from "effect"
import { FINDINGS_MAX, type IsolationProof } from "./client/protocol.ts"

const accountOf = (claims: string): string => {
  try {
    return decode(claims).sub
  } catch {
    // The proof says so itself.
    return ""
  }
}

/** Without the claims of the platform's own accounts, nothing that imports from them could be judged. */
const checkWhole = (accounts: ReadonlyArray<string>, { system, platform }: InstallationKeys) => {
  const found = new Set(accounts.map(accountOf))
  if (found.has(system.publicKey) && found.has(platform.publicKey)) return Effect.void
  return new ClaimsError({
    operation: "proveInstallation",
    problem: `among ${accounts.length} accounts' claims are not both of the platform's own: nothing is proved`,
    nextStep: "Check that the servers were configured with the operator.conf that bootstrap wrote",
    isRetryable: false
  })
}

/**
 * Who can reach whom.
 *
 * **Fails**: `ClaimsError` when the claims of an account cannot be had.
 */
export const proveInstallation = Effect.fn("proveInstallation")(function* (installation: InstallationKeys) {
  const accounts = yield* (yield* AccountServers).claims
  yield* checkWhole(accounts, installation)
  const { tenants, findings } = proveIsolation({
    operator: installation.operatorClaims,
    systemAccount: installation.system.publicKey,
    platformAccount: installation.platform.publicKey,
    accounts
  })
  const { leak = [], warning = [] } = Object.groupBy(findings, ({ severity }) => severity)
  return {
    accounts: accounts.length,
    tenants,
    findings: [...leak, ...warning].slice(0, FINDINGS_MAX),
    leaks: leak.length,
    warnings: warning.length
  } satisfies IsolationProof
})
