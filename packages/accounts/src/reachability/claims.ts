/**
 * Claims as the proof reads them: signatures checked, and everything that widens or narrows reach in one place.
 */
import { createPublicKey, type KeyObject, verify } from "node:crypto"
import type { Export, Import, Permissions, SigningKey } from "@nats-io/jwt"
import { Codec } from "@nats-io/nkeys/lib/codec.js"

/** Weighted targets of a mapped subject; all of them are possible. */
type Mappings = Readonly<Record<string, ReadonlyArray<{ readonly subject: string }>>>

export interface AccountClaims {
  readonly publicKey: string
  readonly name: string
  readonly issuer: string
  readonly imports: ReadonlyArray<Import & { readonly allow_trace?: boolean }>
  readonly exports: ReadonlyArray<Export & { readonly allow_trace?: boolean }>
  readonly signingKeys: ReadonlyArray<SigningKey | string>
  readonly mappings: Mappings
  readonly limits: Readonly<Record<string, unknown>> | undefined
}

export interface OperatorClaims {
  readonly publicKey: string
  readonly signingKeys: ReadonlyArray<string>
  readonly isStrict: boolean
}

export interface ActivationClaims {
  readonly account: string
  readonly issuer: string
  readonly issuerAccount: string | undefined
  readonly subject: string
  readonly kind: string
  readonly issuedAt: number
  readonly expiresAt: number | undefined
}

/** A text is no claims, or nobody signed it. */
export class ClaimsUnreadable extends Error {
  override readonly name = "ClaimsUnreadable"
}

interface Token {
  readonly sub: string
  readonly iss: string
  readonly name?: string
  readonly iat: number
  readonly exp?: number
  readonly nats: Record<string, unknown>
}

/** What stands before the 32 bytes of an Ed25519 public key in its DER form (RFC 8410). */
const SPKI_ED25519 = Buffer.from("302a300506032b6570032100", "hex")

const keys = new Map<string, KeyObject>()

const verifyingKey = (publicKey: string): KeyObject => {
  const known = keys.get(publicKey)
  if (known !== undefined) return known
  // One byte says whose key it is.
  const raw = Codec._decode(new TextEncoder().encode(publicKey)).subarray(1)
  const key = createPublicKey({ key: Buffer.concat([SPKI_ED25519, raw]), format: "der", type: "spki" })
  keys.set(publicKey, key)
  return key
}

const readToken = (jwt: string): Token => {
  const [header = "", body = "", signature = ""] = jwt.trim().split(".")
  try {
    const token = JSON.parse(Buffer.from(body, "base64url").toString()) as Token
    const isSigned = verify(
      null,
      Buffer.from(`${header}.${body}`),
      verifyingKey(token.iss),
      Buffer.from(signature, "base64url")
    )
    if (isSigned) return token
  } catch {
    throw new ClaimsUnreadable(`"${jwt.slice(0, 20)}…" is no claims`)
  }
  throw new ClaimsUnreadable(`claims "${jwt.slice(0, 20)}…" have a wrong signature`)
}

const listOf = <A>(value: unknown): ReadonlyArray<A> => (Array.isArray(value) ? value : [])

/** Throws `ClaimsUnreadable`. */
export const readAccount = (jwt: string): AccountClaims => {
  const { sub, iss, name = sub, nats } = readToken(jwt)
  return {
    publicKey: sub,
    name,
    issuer: iss,
    imports: listOf(nats.imports),
    exports: listOf(nats.exports),
    signingKeys: listOf(nats.signing_keys),
    mappings: (nats.mappings ?? {}) as Mappings,
    limits: nats.limits as AccountClaims["limits"]
  }
}

/** Throws `ClaimsUnreadable`. */
export const readOperator = (jwt: string): OperatorClaims => {
  const { sub, nats } = readToken(jwt)
  return { publicKey: sub, signingKeys: listOf(nats.signing_keys), isStrict: nats.strict_signing_key_usage === true }
}

/** Throws `ClaimsUnreadable`. */
export const readActivation = (jwt: string): ActivationClaims => {
  const { sub, iss, iat, exp, nats } = readToken(jwt)
  return {
    account: sub,
    issuer: iss,
    issuerAccount: nats.issuer_account as string | undefined,
    subject: String(nats.subject ?? ""),
    kind: String(nats.kind ?? ""),
    issuedAt: iat,
    expiresAt: exp
  }
}

/** What users may do at most who are signed by one key. */
export interface Role {
  readonly name: string
  readonly publish: ReadonlyArray<string>
  readonly subscribe: ReadonlyArray<string>
}

/** No list of allowed subjects means all; a denial narrows only what it covers whole. */
const allowedBy = ({ allow = [], deny = [] }: { allow?: string[]; deny?: string[] } = {}): ReadonlyArray<string> =>
  (allow.length === 0 ? [">"] : allow.map((subject) => subject.split(" ")[0] ?? subject)).filter(
    (subject) => !deny.includes(subject) && !deny.includes(">")
  )

/** The roles of an account: one for each scoped key, and one that may do anything for each key without a scope. */
export const rolesOf = (account: AccountClaims, isStrict: boolean): ReadonlyArray<Role> => {
  const anything = (name: string): Role => ({ name, publish: [">"], subscribe: [">"] })
  const signed = account.signingKeys.map((key): Role => {
    if (typeof key === "string") return anything("any user")
    const template = key.template as Permissions
    return { name: key.role, publish: allowedBy(template.pub), subscribe: allowedBy(template.sub) }
  })
  return isStrict ? signed : [...signed, anything("any user of the identity key")]
}
