import type { Export, Import } from "@nats-io/jwt"
import { type AccountClaims, ClaimsUnreadable, readActivation } from "./claims.ts"
import { isWithin } from "./patterns.ts"

/** Why a server makes nothing of an import; undefined for one that works. As `server/accounts.go` of nats-server does it. */
export const importProblem = (
  entry: Import,
  importer: AccountClaims,
  exporter: AccountClaims | undefined,
  nowSeconds: number
): string | undefined => {
  if (exporter === undefined) return `account ${entry.account} is not there`
  const covering = exporter.exports.filter((one) => one.type === entry.type && isWithin(entry.subject, one.subject))
  if (covering.length === 0) return `${exporter.name} exports no ${entry.type} "${entry.subject}"`
  const problems = covering.map((one) => exportProblem(one, entry, importer, exporter, nowSeconds))
  return problems.includes(undefined) ? undefined : problems[0]
}

const exportProblem = (
  one: Export,
  entry: Import,
  importer: AccountClaims,
  exporter: AccountClaims,
  nowSeconds: number
): string | undefined => {
  const position = one.account_token_position ?? 0
  if (position > 0) {
    // The importer's own name stands in the subject, and the server insists on it.
    return entry.subject.split(".")[position - 1] === importer.publicKey
      ? undefined
      : "the subject names another account"
  }
  if (one.token_req !== true) return undefined
  if (entry.token === undefined || entry.token === "") return "it has no token"
  try {
    const token = readActivation(entry.token)
    const issuers = [
      exporter.publicKey,
      ...exporter.signingKeys.map((key) => (typeof key === "string" ? key : key.key))
    ]
    if (!issuers.includes(token.issuer)) return `${exporter.name} did not sign its token`
    if (token.issuerAccount !== undefined && token.issuerAccount !== exporter.publicKey) {
      return "its token is of another account"
    }
    if (token.account !== importer.publicKey) return "its token is for another account"
    if (token.kind !== entry.type) return `its token is for a ${token.kind}`
    if (!isWithin(entry.subject, token.subject)) return `its token is for "${token.subject}"`
    if (token.expiresAt !== undefined && token.expiresAt <= nowSeconds) return "its token has expired"
    const revokedAt = Math.max(one.revocations?.[importer.publicKey] ?? 0, one.revocations?.["*"] ?? 0)
    return revokedAt >= token.issuedAt ? "its token was revoked" : undefined
  } catch (error) {
    if (error instanceof ClaimsUnreadable) return "its token is no token, or was edited"
    throw error
  }
}
