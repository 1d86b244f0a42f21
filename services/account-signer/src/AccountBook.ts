/**
 * What is wanted of each tenant's account, which users were signed for it, and every signature, in PostgreSQL.
 */
import { AccountLimits, type TenantRole } from "@bulkhead/accounts"
import type { TenantSlug } from "@bulkhead/channels"
import { asStorageError, Database, migrateServiceSchema, type StorageError } from "@bulkhead/storage"
import { Context, Data, DateTime, Effect, Layer, Schema } from "effect"
import type { AuditEntry, IssuedUser } from "./client/protocol.ts"
import { SIGNER_SCHEMA, signerMigrations } from "./signerSchema.ts"

/** What is wanted of an account. */
export interface WantedAccount {
  readonly tenant: TenantSlug
  readonly publicKey: string
  readonly limits: AccountLimits
  readonly isSuspended: boolean
  readonly isRemoved: boolean
  /** Rises with each change; equal to `pushedVersion` once every server has it. */
  readonly version: bigint
  readonly pushedVersion: bigint
}

/** The user whose place another takes, and when it is revoked by itself; the earliest time counts. */
export interface Predecessor {
  readonly publicKey: string
  readonly retiresAt: DateTime.Utc
}

/** Why a user was not added, and nothing was written. */
export type UserRefusal = "revoked" | "taken" | "predecessor-unknown"

/** What became of a user that was to be added. */
export type UserAdded = { readonly user: IssuedUser } | { readonly refusedFor: UserRefusal }

/** A signature that is about to be handed out. */
export type Signature = Omit<AuditEntry, "at">

export class AccountBook extends Context.Service<
  AccountBook,
  {
    /** Writes down what is wanted; the version rises only when that differs. */
    readonly want: (
      account: Pick<WantedAccount, "tenant" | "publicKey" | "limits" | "isSuspended">
    ) => Effect.Effect<void, StorageError>
    readonly wantRemoved: (tenant: TenantSlug) => Effect.Effect<void, StorageError>
    /**
     * Runs `push` for the account as it is wanted, one process at a time, and remembers that it succeeded. Gives
     * undefined for an account that nobody knows.
     */
    readonly pushing: <A, E, R>(
      tenant: TenantSlug,
      push: (account: WantedAccount, revoked: Readonly<Record<string, number>>) => Effect.Effect<A, E, R>
    ) => Effect.Effect<A | undefined, E | StorageError, R>
    /** Accounts whose newest version not every server has taken. */
    readonly pending: Effect.Effect<ReadonlyArray<TenantSlug>, StorageError>
    readonly all: Effect.Effect<ReadonlyArray<WantedAccount>, StorageError>
    readonly get: (tenant: TenantSlug) => Effect.Effect<WantedAccount | undefined, StorageError>
    /** Forgets an account and its users, and says how many users there were. The audit record stays. */
    readonly forget: (tenant: TenantSlug) => Effect.Effect<number, StorageError>
    /**
     * Writes down a user before it is signed, with the record of its signature, and when the one whose place it takes
     * retires: all or nothing. The same key again has the longer of its times. A key that was revoked, or is another
     * role's or tenant's, stays as it is.
     */
    readonly addUser: (
      tenant: TenantSlug,
      user: IssuedUser,
      signature: Signature,
      replaces?: Predecessor
    ) => Effect.Effect<UserAdded, StorageError>
    readonly users: (tenant: TenantSlug) => Effect.Effect<ReadonlyArray<IssuedUser>, StorageError>
    /** Keeps the time of an earlier revocation; undefined for a user that is none of the tenant's. */
    readonly revoke: (tenant: TenantSlug, publicKey: string) => Effect.Effect<IssuedUser | undefined, StorageError>
    /** Users whose time to retire has come. */
    readonly dueToRetire: Effect.Effect<
      ReadonlyArray<{ readonly tenant: TenantSlug; readonly publicKey: string }>,
      StorageError
    >
    /** Forgets users whose time was over a month ago; what was signed stays in the audit record. */
    readonly forgetExpired: Effect.Effect<void, StorageError>
    readonly record: (signature: Signature) => Effect.Effect<void, StorageError>
    readonly audit: (tenant: TenantSlug) => Effect.Effect<ReadonlyArray<AuditEntry>, StorageError>
  }
>()("@bulkhead/account-signer/AccountBook") {
  static readonly layer: Layer.Layer<AccountBook, StorageError, Database> = Layer.effect(
    AccountBook,
    Effect.suspend(() => make)
  )
}

/** Undoes the transaction that it is raised in. */
class UserRefused extends Data.TaggedError("UserRefused")<{ readonly refusedFor: UserRefusal }> {}

const AUDIT_MAX = 1_000

interface AccountRow extends Omit<WantedAccount, "limits"> {
  readonly limits: unknown
}

interface UserRow {
  readonly publicKey: string
  readonly role: TenantRole
  readonly name: string
  readonly purpose: string
  readonly issuedAt: Date
  readonly expiresAt: Date
  readonly retiresAt: Date | null
  readonly revokedAt: Date | null
}

const toAccount = (row: AccountRow): WantedAccount => ({
  ...row,
  limits: Schema.decodeUnknownSync(AccountLimits)(row.limits)
})

const toUser = ({ issuedAt, expiresAt, retiresAt, revokedAt, ...row }: UserRow): IssuedUser => ({
  ...row,
  issuedAt: DateTime.fromDateUnsafe(issuedAt),
  expiresAt: DateTime.fromDateUnsafe(expiresAt),
  ...(retiresAt === null ? {} : { retiresAt: DateTime.fromDateUnsafe(retiresAt) }),
  ...(revokedAt === null ? {} : { revokedAt: DateTime.fromDateUnsafe(revokedAt) })
})

const make = Effect.gen(function* () {
  yield* migrateServiceSchema(SIGNER_SCHEMA, signerMigrations)
  const { sql } = yield* Database
  const accountColumns = sql.literal(
    `tenant, public_key as "publicKey", limits, is_suspended as "isSuspended", is_removed as "isRemoved", version,
     pushed_version as "pushedVersion"`
  )
  const userColumns = sql.literal(
    `public_key as "publicKey", role, name, purpose, issued_at as "issuedAt", expires_at as "expiresAt",
     retires_at as "retiresAt", revoked_at as "revokedAt"`
  )

  const want: AccountBook["Service"]["want"] = ({ tenant, publicKey, limits, isSuspended }) =>
    sql`
      insert into bulkhead_signer.accounts as known (tenant, public_key, limits, is_suspended)
      values (${tenant}, ${publicKey}, ${JSON.stringify(limits)}::jsonb, ${isSuspended})
      on conflict (tenant) do update set
        limits = excluded.limits, is_suspended = excluded.is_suspended, version = known.version + 1
      where (known.limits, known.is_suspended) is distinct from (excluded.limits, excluded.is_suspended)`.pipe(
      Effect.asVoid,
      asStorageError("AccountBook.want")
    )

  const wantRemoved = (tenant: TenantSlug) =>
    sql`update bulkhead_signer.accounts set is_removed = true, version = version + 1
        where tenant = ${tenant} and not is_removed`.pipe(Effect.asVoid, asStorageError("AccountBook.wantRemoved"))

  /**
   * The second up to which a revoked user's claims are refused; for as long as they could be valid, clocks included. It
   * is the end of their time, not that of the revocation: the database's clock may stand behind the one that signed.
   */
  const revocations = (tenant: TenantSlug) =>
    sql<{ publicKey: string; second: number }>`
      select public_key as "publicKey", ceil(extract(epoch from greatest(revoked_at, expires_at)))::int as second
      from bulkhead_signer.users
      where tenant = ${tenant} and revoked_at is not null and expires_at > now() - interval '1 hour'`.pipe(
      Effect.map((rows) => Object.fromEntries(rows.map(({ publicKey, second }) => [publicKey, second])))
    )

  const pushing: AccountBook["Service"]["pushing"] = (tenant, push) =>
    Effect.gen(function* () {
      const [row] = yield* sql<AccountRow>`
        select ${accountColumns} from bulkhead_signer.accounts where tenant = ${tenant} for update`
      if (row === undefined) return undefined
      const account = toAccount(row)
      const result = yield* push(account, yield* revocations(tenant))
      yield* sql`update bulkhead_signer.accounts set pushed_version = ${account.version} where tenant = ${tenant}`
      return result
    }).pipe(sql.withTransaction, asStorageError("AccountBook.pushing"))

  const get = (tenant: TenantSlug) =>
    sql<AccountRow>`select ${accountColumns} from bulkhead_signer.accounts where tenant = ${tenant}`.pipe(
      Effect.map(([row]) => (row === undefined ? undefined : toAccount(row))),
      asStorageError("AccountBook.get")
    )

  const pending = sql<{ tenant: TenantSlug }>`
    select tenant from bulkhead_signer.accounts where pushed_version < version order by tenant`.pipe(
    Effect.map((rows) => rows.map(({ tenant }) => tenant)),
    asStorageError("AccountBook.pending")
  )

  const all = sql<AccountRow>`select ${accountColumns} from bulkhead_signer.accounts order by tenant`.pipe(
    Effect.map((rows) => rows.map(toAccount)),
    asStorageError("AccountBook.all")
  )

  const forget = (tenant: TenantSlug) =>
    Effect.gen(function* () {
      const [counted] = yield* sql<{ users: number }>`
        select count(*)::int as users from bulkhead_signer.users where tenant = ${tenant}`
      yield* sql`delete from bulkhead_signer.accounts where tenant = ${tenant} and is_removed`
      return counted?.users ?? 0
    }).pipe(sql.withTransaction, asStorageError("AccountBook.forget"))

  const retire = Effect.fnUntraced(function* (tenant: TenantSlug, { publicKey, retiresAt }: Predecessor) {
    const retired = yield* sql`
      update bulkhead_signer.users set retires_at = least(retires_at, ${DateTime.toDateUtc(retiresAt)})
      where tenant = ${tenant} and public_key = ${publicKey} and revoked_at is null returning 1`
    if (retired.length === 0) return yield* new UserRefused({ refusedFor: "predecessor-unknown" })
  })

  /** One statement: a user is never without the record of its signature. */
  const insertUser = Effect.fnUntraced(function* (tenant: TenantSlug, user: IssuedUser, signature: Signature) {
    const { actor, operation, subject, keyId, details } = signature
    const [row] = yield* sql<UserRow>`
      with added as (
        insert into bulkhead_signer.users as known (public_key, tenant, role, name, purpose, issued_at, expires_at)
        values (${user.publicKey}, ${tenant}, ${user.role}, ${user.name}, ${user.purpose},
          ${DateTime.toDateUtc(user.issuedAt)}, ${DateTime.toDateUtc(user.expiresAt)})
        on conflict (public_key) do update set
          name = excluded.name, purpose = excluded.purpose, expires_at = greatest(known.expires_at, excluded.expires_at)
        where (known.tenant, known.role) = (excluded.tenant, excluded.role) and known.revoked_at is null
        returning *
      ), recorded as (
        insert into bulkhead_signer.audit (actor, operation, tenant, subject, key_id, details)
        select ${actor}, ${operation}, ${signature.tenant}, ${subject}, ${keyId}, ${details} from added
      )
      select ${userColumns} from added`
    if (row !== undefined) return { user: toUser(row) }
    const [known] = yield* sql`
      select from bulkhead_signer.users where public_key = ${user.publicKey} and revoked_at is not null`
    return yield* new UserRefused({ refusedFor: known === undefined ? "taken" : "revoked" })
  })

  const addUser: AccountBook["Service"]["addUser"] = (tenant, user, signature, replaces) => {
    const insert = insertUser(tenant, user, signature)
    const add = replaces === undefined ? insert : sql.withTransaction(Effect.andThen(retire(tenant, replaces), insert))
    return add.pipe(
      Effect.catchTag("UserRefused", ({ refusedFor }) => Effect.succeed({ refusedFor })),
      asStorageError("AccountBook.addUser")
    )
  }

  const users = (tenant: TenantSlug) =>
    sql<UserRow>`
      select ${userColumns} from bulkhead_signer.users where tenant = ${tenant} order by issued_at, public_key`.pipe(
      Effect.map((rows) => rows.map(toUser)),
      asStorageError("AccountBook.users")
    )

  const revoke = (tenant: TenantSlug, publicKey: string) =>
    Effect.gen(function* () {
      yield* sql`select from bulkhead_signer.accounts where tenant = ${tenant} for update`
      const changed = yield* sql`
        update bulkhead_signer.users set revoked_at = now()
        where tenant = ${tenant} and public_key = ${publicKey} and revoked_at is null returning 1`
      if (changed.length > 0) {
        yield* sql`update bulkhead_signer.accounts set version = version + 1 where tenant = ${tenant}`
      }
      const [row] = yield* sql<UserRow>`
        select ${userColumns} from bulkhead_signer.users where tenant = ${tenant} and public_key = ${publicKey}`
      return row === undefined ? undefined : toUser(row)
    }).pipe(sql.withTransaction, asStorageError("AccountBook.revoke"))

  const dueToRetire = sql<{ tenant: TenantSlug; publicKey: string }>`
    select tenant, public_key as "publicKey" from bulkhead_signer.users
    where retires_at <= now() and revoked_at is null`.pipe(asStorageError("AccountBook.dueToRetire"))

  const forgetExpired = sql`
    delete from bulkhead_signer.users where expires_at < now() - interval '30 days'`.pipe(
    Effect.asVoid,
    asStorageError("AccountBook.forgetExpired")
  )

  const record = (entry: Signature) =>
    sql`
      insert into bulkhead_signer.audit (actor, operation, tenant, subject, key_id, details)
      values (${entry.actor}, ${entry.operation}, ${entry.tenant}, ${entry.subject}, ${entry.keyId}, ${entry.details})
    `.pipe(Effect.asVoid, asStorageError("AccountBook.record"))

  const audit = (tenant: TenantSlug) =>
    sql<Signature & { at: Date }>`
      select at, actor, operation, tenant, subject, key_id as "keyId", details from bulkhead_signer.audit
      where tenant = ${tenant} order by id desc limit ${AUDIT_MAX}`.pipe(
      Effect.map((rows) => rows.map(({ at, ...row }) => ({ ...row, at: DateTime.fromDateUnsafe(at) }))),
      asStorageError("AccountBook.audit")
    )

  return AccountBook.of({
    want,
    wantRemoved,
    pushing,
    pending,
    all,
    get,
    forget,
    addUser,
    users,
    revoke,
    dueToRetire,
    forgetExpired,
    record,
    audit
  })
})
