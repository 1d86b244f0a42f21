/**
 * What can be asked of the signer: one NATS subject an operation, JSON both ways. Every operation may be repeated: it
 * says what is wanted, not what to do.
 */
import { AccountLimits, TenantRole } from "@bulkhead/accounts"
import { TenantSlug } from "@bulkhead/tenancy"
import { Schema } from "effect"

/** A name that people and reports use for a user; it may repeat. */
export const UserName = Schema.String.check(Schema.isPattern(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/))

const UserPublicKey = Schema.String.check(Schema.isPattern(/^U[A-Z2-7]{55}$/))

/** A user of a tenant, as the signer remembers it. */
export const IssuedUser = Schema.Struct({
  publicKey: UserPublicKey,
  role: TenantRole,
  name: UserName,
  /** What it is for, in the words of whoever asked. */
  purpose: Schema.String,
  issuedAt: Schema.DateTimeUtcFromString,
  expiresAt: Schema.DateTimeUtcFromString,
  /** When it is revoked by itself, because another took its place. */
  retiresAt: Schema.optionalKey(Schema.DateTimeUtcFromString),
  revokedAt: Schema.optionalKey(Schema.DateTimeUtcFromString)
}).annotate({ identifier: "IssuedUser" })
export type IssuedUser = typeof IssuedUser.Type

/** One signature. */
export const AuditEntry = Schema.Struct({
  at: Schema.DateTimeUtcFromString,
  /** Who asked. */
  actor: Schema.String,
  operation: Schema.String,
  tenant: Schema.String,
  /** The public key that the signed claims are about. */
  subject: Schema.String,
  /** The public key that signed. */
  keyId: Schema.String,
  details: Schema.String
}).annotate({ identifier: "AuditEntry" })
export type AuditEntry = typeof AuditEntry.Type

/** Something that should not be: see `proveIsolation` of `@bulkhead/accounts`. */
const Finding = Schema.Struct({
  severity: Schema.Literals(["leak", "warning"]),
  kind: Schema.Literals([
    "publish",
    "read",
    "open-export",
    "dead-import",
    "foreign-signature",
    "unreadable",
    "same-slug",
    "no-limits",
    "trace",
    "unscoped-key"
  ]),
  from: Schema.String,
  /** Empty where it concerns `from` alone. */
  to: Schema.String,
  path: Schema.String
})

/** So many fit an answer; leaks come first. */
export const FINDINGS_MAX = 1_000

/** Who can reach whom, computed from the claims that the servers hold. */
export const IsolationProof = Schema.Struct({
  /** Accounts whose claims were read, the platform's own among them. */
  accounts: Schema.Int,
  /** Slugs, in order. */
  tenants: Schema.Array(Schema.String),
  /** A thousand at most, leaks first. */
  findings: Schema.Array(Finding),
  /** Of all the findings. */
  leaks: Schema.Int,
  warnings: Schema.Int
}).annotate({ identifier: "IsolationProof" })
export type IsolationProof = typeof IsolationProof.Type

/** Who asks, for the audit record, and for which tenant. */
const request = { actor: Schema.String, tenant: TenantSlug }

const EnsureAccount = {
  request: Schema.Struct({ ...request, limits: AccountLimits, isSuspended: Schema.Boolean }),
  response: Schema.Struct({ account: Schema.String })
}
const TenantOnly = Schema.Struct(request)

/** Operations by the last token of their subject. */
export const OPERATIONS = {
  /** Makes the account or changes it to this; succeeds when every server has taken the claims. */
  "ensure-account": EnsureAccount,
  /** Takes the account away from every server; its keys stay until `forget-account`. */
  "remove-account": { request: TenantOnly, response: Schema.Struct({ account: Schema.optionalKey(Schema.String) }) },
  /** Destroys the keys of an account that was removed, and what is remembered of its users. */
  "forget-account": { request: TenantOnly, response: Schema.Struct({ users: Schema.Int }) },
  /** Clients and leaf nodes of the account, over all servers. */
  "count-connections": { request: TenantOnly, response: Schema.Struct({ connections: Schema.Int }) },
  /** Signs a user for a key whose seed the asker keeps. */
  "sign-user": {
    request: Schema.Struct({
      ...request,
      role: TenantRole,
      name: UserName,
      purpose: Schema.String.check(Schema.isMaxLength(200)),
      publicKey: UserPublicKey,
      expiresAt: Schema.DateTimeUtcFromString,
      /** The user whose place it takes, and when that one is revoked. */
      replaces: Schema.optionalKey(Schema.Struct({ publicKey: UserPublicKey, retiresAt: Schema.DateTimeUtcFromString }))
    }),
    response: Schema.Struct({ claims: Schema.String, user: IssuedUser })
  },
  "list-users": { request: TenantOnly, response: Schema.Struct({ users: Schema.Array(IssuedUser) }) },
  /** Cuts a user; succeeds when every server knows. */
  "revoke-user": {
    request: Schema.Struct({ ...request, publicKey: UserPublicKey }),
    response: Schema.Struct({ user: IssuedUser })
  },
  /** Reads the claims of all accounts from the servers, and computes who can reach whom. */
  "prove-isolation": { request: Schema.Struct({ actor: Schema.String }), response: IsolationProof },
  /** The newest signatures of a tenant, at most a thousand. */
  "list-audit": { request: TenantOnly, response: Schema.Struct({ entries: Schema.Array(AuditEntry) }) }
} as const

export type OperationName = keyof typeof OPERATIONS
export type RequestOf<Name extends OperationName> = (typeof OPERATIONS)[Name]["request"]["Type"]
export type ResponseOf<Name extends OperationName> = (typeof OPERATIONS)[Name]["response"]["Type"]

/** Nothing of a tenant's account reaches below it: no root is called so. */
export const SIGNER_SUBJECT = "bulkhead.signer.v1"
export const subjectOf = (name: OperationName): string => `${SIGNER_SUBJECT}.${name}`

/** Why an operation was not done. */
export const SignerProblem = Schema.Struct({
  kind: Schema.Literals(["invalid", "unknown", "refused", "unavailable"]),
  message: Schema.String
})
export type SignerProblem = typeof SignerProblem.Type

/** What stands in an answer: one of the two. */
export const Answer = Schema.Struct({
  ok: Schema.optionalKey(Schema.Unknown),
  problem: Schema.optionalKey(SignerProblem)
})
