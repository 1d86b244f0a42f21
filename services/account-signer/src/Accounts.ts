/**
 * What the signer does. What is wanted is written down first, then signed, then given to every server; whatever was
 * interrupted in between is found again by `resume`. Every signature is in the audit record before it leaves.
 */
import {
  AccountServers,
  type ClaimsError,
  type InstallationKeys,
  signTenantAccount,
  signTenantUser,
  type TenantKeys
} from "@bulkhead/accounts"
import type { TenantSlug } from "@bulkhead/channels"
import type { SecretError } from "@bulkhead/secrets"
import type { StorageError } from "@bulkhead/storage"
import { Context, DateTime, Effect, Layer, Result, Schema } from "effect"
import { AccountBook, type UserRefusal, type WantedAccount } from "./AccountBook.ts"
import type { OperationName, RequestOf, ResponseOf } from "./client/protocol.ts"
import { Keyring, type NotBootstrapped } from "./Keyring.ts"
import { proveInstallation } from "./proveInstallation.ts"

/** A request that cannot be carried out as it is. */
export class RequestRefused extends Schema.TaggedError<RequestRefused>()("RequestRefused", {
  kind: Schema.Literals(["invalid", "unknown", "refused"]),
  problem: Schema.String
}) {
  readonly isRetryable = false
  override get message(): string {
    return this.problem
  }
}

export type AccountsError = RequestRefused | SecretError | StorageError | ClaimsError

type Operations = {
  readonly [Name in OperationName]: (request: RequestOf<Name>) => Effect.Effect<ResponseOf<Name>, AccountsError>
}

export class Accounts extends Context.Service<
  Accounts,
  Operations & {
    /** Gives servers what they have not taken yet, or have lost. Says how many accounts that were. */
    readonly resume: Effect.Effect<number, AccountsError>
    /** How many accounts some server has not taken yet. */
    readonly pending: Effect.Effect<number, StorageError>
  }
>()("@bulkhead/account-signer/Accounts") {
  static readonly layer: Layer.Layer<Accounts, SecretError | NotBootstrapped, Keyring | AccountBook | AccountServers> =
    Layer.effect(
      Accounts,
      Effect.suspend(() => make)
    )
}

const RESUMES_AT_ONCE = 8
/** Who asked for what is resumed. */
const SELF = "account-signer"

const unknownAccount = (tenant: TenantSlug) =>
  new RequestRefused({ kind: "unknown", problem: `tenant "${tenant}" has no account here` })

const make = Effect.gen(function* () {
  const keyring = yield* Keyring
  const book = yield* AccountBook
  const servers = yield* AccountServers
  const installation: InstallationKeys = yield* keyring.installation

  /** Gives the servers what is wanted now, and waits until all have it. */
  const push = (tenant: TenantSlug, actor: string) =>
    book.pushing(tenant, (account, revoked) => bring(account, revoked, actor))

  /** The same, unless all have it already. */
  const pushIfBehind = (tenant: TenantSlug, actor: string) =>
    book.pushing(tenant, (account, revoked) =>
      account.pushedVersion < account.version ? bring(account, revoked, actor) : Effect.void
    )

  const bring = (account: WantedAccount, revoked: Readonly<Record<string, number>>, actor: string) =>
    account.isRemoved ? takeAway(account, actor) : give(account, revoked, actor)

  const give = Effect.fnUntraced(function* (
    account: WantedAccount,
    revoked: Readonly<Record<string, number>>,
    actor: string
  ) {
    const keys = yield* keysOf(account.tenant)
    const claims = yield* Effect.promise(() => signTenantAccount({ ...account, revoked }, keys, installation))
    yield* book.record({
      actor,
      operation: "sign-account",
      tenant: account.tenant,
      subject: account.publicKey,
      keyId: installation.operatorSigning.publicKey,
      details: `version ${account.version}${account.isSuspended ? ", suspended" : ""}, ${Object.keys(revoked).length} revoked`
    })
    yield* servers.push(claims)
  })

  const takeAway = Effect.fnUntraced(function* (account: WantedAccount, actor: string) {
    yield* book.record({
      actor,
      operation: "remove-account",
      tenant: account.tenant,
      subject: account.publicKey,
      keyId: installation.operatorSigning.publicKey,
      details: `version ${account.version}`
    })
    // First nobody may be in: a server has been seen to drop the claims and keep the connections.
    const keys = yield* keysOf(account.tenant)
    const closed = { ...account, isSuspended: true }
    yield* servers.push(yield* Effect.promise(() => signTenantAccount(closed, keys, installation)))
    yield* servers.remove(account.publicKey, installation.operatorSigning)
  })

  const keysOf = Effect.fnUntraced(function* (tenant: TenantSlug) {
    const keys: TenantKeys | undefined = yield* keyring.tenant(tenant)
    return keys === undefined ? yield* unknownAccount(tenant) : keys
  })

  const checkLimits = Effect.fnUntraced(function* ({ limits }: RequestOf<"ensure-account">) {
    const bytesMax = yield* servers.payloadBytesMax
    if (limits.payloadBytes === "unlimited" || limits.payloadBytes <= bytesMax) return
    const problem =
      `payloadBytes ${limits.payloadBytes} is over the server's max_payload of ${bytesMax} bytes: ` +
      "lower the plan's limit or raise max_payload on every server"
    return yield* new RequestRefused({ kind: "refused", problem })
  })

  const ensureAccount: Operations["ensure-account"] = Effect.fn("Accounts.ensure-account")(function* (request) {
    const { tenant, limits, isSuspended, actor } = request
    yield* checkLimits(request)
    const known = yield* book.get(tenant)
    if (known?.isRemoved === true) {
      const problem = `tenant "${tenant}" is being removed: its account cannot come back under the same keys. Finish the removal first`
      return yield* new RequestRefused({ kind: "refused", problem })
    }
    const keys = yield* keyring.ensureTenant(tenant)
    yield* book.want({ tenant, publicKey: keys.publicKey, limits, isSuspended })
    yield* pushIfBehind(tenant, actor)
    return { account: keys.publicKey }
  })

  const removeAccount: Operations["remove-account"] = Effect.fn("Accounts.remove-account")(function* (request) {
    const { tenant, actor } = request
    yield* book.wantRemoved(tenant)
    yield* pushIfBehind(tenant, actor)
    const account = yield* book.get(tenant)
    return account === undefined ? {} : { account: account.publicKey }
  })

  const forgetAccount: Operations["forget-account"] = Effect.fn("Accounts.forget-account")(function* ({ tenant }) {
    const account = yield* book.get(tenant)
    if (account !== undefined && (!account.isRemoved || account.pushedVersion < account.version)) {
      const problem = `tenant "${tenant}" still has an account on the servers: remove it first`
      return yield* new RequestRefused({ kind: "refused", problem })
    }
    yield* keyring.removeTenant(tenant)
    return { users: yield* book.forget(tenant) }
  })

  const countConnections: Operations["count-connections"] = Effect.fn("Accounts.count-connections")(function* ({
    tenant
  }) {
    const account = yield* book.get(tenant)
    return { connections: account === undefined ? 0 : yield* servers.connections(account.publicKey) }
  })

  const signUser: Operations["sign-user"] = Effect.fn("Accounts.sign-user")(function* (request) {
    const { tenant, role, name, purpose, publicKey, expiresAt, actor } = request
    const issuedAt = yield* DateTime.now
    if (DateTime.toEpochMillis(expiresAt) <= DateTime.toEpochMillis(issuedAt)) {
      const problem = `expiresAt ${DateTime.formatIso(expiresAt)} is not in the future: choose a later time`
      return yield* new RequestRefused({ kind: "invalid", problem })
    }
    const keys = yield* keysOf(tenant)
    const signature = {
      actor,
      operation: "sign-user",
      tenant,
      subject: publicKey,
      keyId: keys.signing[role].publicKey,
      details: `${role} ${name} until ${DateTime.formatIso(expiresAt)}: ${purpose}`
    }
    const user = { publicKey, role, name, purpose, issuedAt, expiresAt }
    const added = yield* book.addUser(tenant, user, signature, request.replaces)
    if ("refusedFor" in added) return yield* refusedUser(request, added.refusedFor)
    const identity = { name, publicKey, expiresAt: DateTime.toDateUtc(expiresAt) }
    const claims = yield* Effect.promise(() => signTenantUser(identity, role, keys))
    return { claims, user: added.user }
  })

  const unknownUser = (tenant: TenantSlug, publicKey: string) =>
    new RequestRefused({
      kind: "unknown",
      problem: `tenant "${tenant}" has no user ${publicKey} that is still good. List its credentials`
    })

  /** A key is one user's for ever: signed for again after its revocation, it would be let in again. */
  const refusedUser = ({ tenant, publicKey, replaces }: RequestOf<"sign-user">, refusedFor: UserRefusal) => {
    if (refusedFor === "predecessor-unknown") return unknownUser(tenant, replaces?.publicKey ?? "")
    const why = refusedFor === "revoked" ? "was revoked" : "has another role, or is another tenant's"
    return new RequestRefused({ kind: "refused", problem: `user ${publicKey} ${why}: make a new key` })
  }

  const revokeUser: Operations["revoke-user"] = Effect.fn("Accounts.revoke-user")(function* (request) {
    const { tenant, publicKey, actor } = request
    const user = yield* book.revoke(tenant, publicKey)
    if (user === undefined) return yield* unknownUser(tenant, publicKey)
    yield* pushIfBehind(tenant, actor)
    return { user }
  })

  /** Accounts that a server lost, as one does that starts with an empty disk. */
  const lost = Effect.gen(function* () {
    // In this order: what the servers had when the book was read, they still have.
    const given = (yield* book.all).filter((account) => !account.isRemoved && account.pushedVersion >= account.version)
    const held = yield* servers.held
    return given.filter(({ publicKey }) => !held.has(publicKey))
  })

  const resume = Effect.gen(function* () {
    yield* book.forgetExpired
    for (const { tenant, publicKey } of yield* book.dueToRetire) yield* book.revoke(tenant, publicKey)
    const pending = yield* book.pending
    const missing = yield* lost
    const work = [
      ...pending.map((tenant) => pushIfBehind(tenant, SELF)),
      ...missing.map(({ tenant }) => push(tenant, SELF))
    ]
    // One that fails must not hold up the others: the removal behind it may be what makes room for it.
    const outcomes = yield* Effect.forEach(work, Effect.result, { concurrency: RESUMES_AT_ONCE })
    const failed = outcomes.find(Result.isFailure)
    if (failed !== undefined) return yield* Effect.fail(failed.failure)
    return pending.length + missing.length
  }).pipe(Effect.withSpan("Accounts.resume"))

  return Accounts.of({
    "ensure-account": ensureAccount,
    "remove-account": removeAccount,
    "forget-account": forgetAccount,
    "count-connections": countConnections,
    "sign-user": signUser,
    "revoke-user": revokeUser,
    "prove-isolation": () => Effect.provideService(proveInstallation(installation), AccountServers, servers),
    "list-users": ({ tenant }) => Effect.map(book.users(tenant), (users) => ({ users })),
    "list-audit": ({ tenant }) => Effect.map(book.audit(tenant), (entries) => ({ entries })),
    resume,
    pending: Effect.map(book.pending, (tenants) => tenants.length)
  })
})
