/**
 * The reachability proof over an installation: what the servers hold, and not what the signer believes it gave them.
 */
import { AccountServers, ClaimsError, hasOwnAccounts, type InstallationKeys, proveIsolation } from "@bulkhead/accounts"
import { Effect } from "effect"
import { FINDINGS_MAX, type IsolationProof } from "./client/protocol.ts"

const incomplete = (accounts: number) =>
  new ClaimsError({
    operation: "proveInstallation",
    problem: `among ${accounts} accounts' claims are not both of the platform's own: nothing is proved`,
    nextStep: "Check that the servers were configured with the operator.conf that bootstrap wrote",
    isRetryable: false
  })

/**
 * Who can reach whom.
 *
 * **Fails**: `ClaimsError` when the claims of an account cannot be had.
 */
export const proveInstallation = Effect.fn("proveInstallation")(function* (installation: InstallationKeys) {
  const accounts = yield* (yield* AccountServers).claims
  const { operatorClaims: operator, system, platform } = installation
  const claims = { operator, systemAccount: system.publicKey, platformAccount: platform.publicKey, accounts }
  if (!hasOwnAccounts(claims)) return yield* incomplete(accounts.length)
  const { tenants, findings } = proveIsolation(claims)
  const { leak = [], warning = [] } = Object.groupBy(findings, ({ severity }) => severity)
  return {
    accounts: accounts.length,
    tenants,
    findings: [...leak, ...warning].slice(0, FINDINGS_MAX),
    leaks: leak.length,
    warnings: warning.length
  } satisfies IsolationProof
})
