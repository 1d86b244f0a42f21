/**
 * The table `sealed_secrets` and every statement about it.
 */
import { asStorageError, Database, type StorageError } from "@bulkhead/storage"
import { Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import {
  type SecretReason,
  SecretStoreMisconfigured,
  SecretStoreRefused,
  SecretStoreUnavailable
} from "../SecretError.ts"
import type { SecretName } from "../SecretName.ts"
import type { Sealed } from "./seal.ts"

/** The schema, unless another is given. */
export const SECRETS_SCHEMA = "bulkhead_signer"

const SCHEMA_NAME = /^[a-z_][a-z0-9_]{0,62}$/

/** A row with its name. */
export interface SealedSecret extends SecretName, Sealed {}

const reasonOf = (schema: string, right: string, { reason }: StorageError): SecretReason =>
  reason._tag === "DatabaseUnavailable"
    ? new SecretStoreUnavailable({
        store: "PostgreSQL",
        problem: reason.problem,
        nextStep: "wait and try again",
        cause: reason
      })
    : new SecretStoreRefused({
        store: "PostgreSQL",
        path: `${schema}.sealed_secrets`,
        right,
        nextStep: `grant it, or let the login role own the schema (${reason.message})`,
        cause: reason
      })

/** Makes the table unless it is there, and gives the statements on it. */
export const openSealedSecrets = Effect.fnUntraced(function* (schema: string) {
  if (!SCHEMA_NAME.test(schema)) {
    return yield* new SecretStoreMisconfigured({
      problem: `"${schema}" is no name of a schema`,
      nextStep: "take a-z, 0-9 and _, at most 63 characters, in SECRETS_SCHEMA"
    })
  }
  const { sql } = yield* Database
  const table = sql.literal(`"${schema}".sealed_secrets`)

  const needing = <A>(right: string, statement: Effect.Effect<A, SqlError>): Effect.Effect<A, SecretReason> =>
    statement.pipe(
      asStorageError("sealed_secrets"),
      Effect.mapError((error) => reasonOf(schema, right, error))
    )

  yield* needing("create", sql.withTransaction(ensureTable(sql, schema)))

  return {
    find: (name: SecretName) =>
      needing(
        "select",
        sql<Sealed>`
        select key_id as "keyId", nonce, sealed from ${table} where owner = ${name.owner} and purpose = ${name.purpose}`
      ),
    insert: (name: SecretName, row: Sealed) =>
      needing(
        "insert",
        sql`
        insert into ${table} (owner, purpose, key_id, nonce, sealed)
        values (${name.owner}, ${name.purpose}, ${row.keyId}, ${row.nonce}, ${row.sealed})
        on conflict do nothing returning 1`
      ),
    upsert: (name: SecretName, row: Sealed) =>
      needing(
        "insert, update",
        sql`
        insert into ${table} (owner, purpose, key_id, nonce, sealed)
        values (${name.owner}, ${name.purpose}, ${row.keyId}, ${row.nonce}, ${row.sealed})
        on conflict (owner, purpose) do update
        set key_id = excluded.key_id, nonce = excluded.nonce, sealed = excluded.sealed, sealed_at = now()`
      ),
    /** Replaces a row only where it is still the one that was read: a nonce is never used twice. */
    exchange: (name: SecretName, old: Sealed, next: Sealed) =>
      needing(
        "update",
        sql`
        update ${table} set key_id = ${next.keyId}, nonce = ${next.nonce}, sealed = ${next.sealed}, sealed_at = now()
        where owner = ${name.owner} and purpose = ${name.purpose} and key_id = ${old.keyId} and nonce = ${old.nonce}
        returning 1`
      ),
    remove: (name: SecretName) =>
      needing("delete", sql`delete from ${table} where owner = ${name.owner} and purpose = ${name.purpose}`),
    purposes: (owner: string) =>
      needing("select", sql<{ purpose: string }>`select purpose from ${table} where owner = ${owner}`),
    /** Rows under any key but `keyId`, by name, after `after`. */
    notUnder: (keyId: string, after: SecretName, rowsMax: number) =>
      needing(
        "select",
        sql<SealedSecret>`
        select owner, purpose, key_id as "keyId", nonce, sealed from ${table}
        where key_id <> ${keyId} and (owner, purpose) > (${after.owner}, ${after.purpose})
        order by owner, purpose limit ${rowsMax}`
      ),
    countByKey: needing(
      "select",
      sql<{ keyId: string; rows: number }>`
      select key_id as "keyId", count(*)::float8 as rows from ${table} group by key_id order by key_id`
    )
  }
})

export type SealedSecrets = Effect.Success<ReturnType<typeof openSealedSecrets>>

/** The lock is the one under which `@bulkhead/storage` migrates a schema of that name. */
const ensureTable = Effect.fnUntraced(function* (sql: Database["Service"]["sql"], schema: string) {
  yield* sql`select pg_advisory_xact_lock(hashtextextended(${`bulkhead.schema.${schema}`}, 0))`
  // Whoever was given the schema or the table needs no right to make it.
  const [found] = yield* sql<{ schema: boolean; table: boolean }>`
    select to_regnamespace(${`"${schema}"`}) is not null as schema,
      to_regclass(${`"${schema}".sealed_secrets`}) is not null as table`
  if (found?.schema !== true) yield* sql.unsafe(`create schema "${schema}"`).unprepared
  if (found?.table === true) return
  yield* sql.unsafe(
    `create table "${schema}".sealed_secrets (
      owner text collate "C" not null,
      purpose text collate "C" not null,
      key_id text not null,
      nonce bytea not null,
      sealed bytea not null,
      sealed_at timestamptz not null default now(),
      primary key (owner, purpose)
    )`
  ).unprepared
})
