/**
 * The control schema `bulkhead`, made or brought up to date. Every process may do it at its start.
 */
import { Effect } from "effect"
import { Database } from "./Database.ts"
import { CONTROL_SCHEMA, controlMigrations } from "./internal/controlMigrations.ts"
import { migrate } from "./internal/migrate.ts"
import { asStorageError } from "./internal/sqlFailure.ts"

/**
 * Brings the control schema to this release's version, once, however many processes ask at a time.
 *
 * **Fails**: `StorageError`, reason `DatabaseUnavailable` (retryable) or `StatementRefused` (the login role needs
 * `CREATE` on the database).
 */
export const migrateControlSchema = Effect.gen(function* () {
  const { sql } = yield* Database
  return yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`select pg_advisory_xact_lock(hashtextextended('bulkhead.control', 0))`
      yield* sql.unsafe(`create schema if not exists ${CONTROL_SCHEMA}`).unprepared
      return yield* migrate(sql, CONTROL_SCHEMA, controlMigrations)
    })
  )
}).pipe(asStorageError("migrateControlSchema"), Effect.withSpan("migrateControlSchema"))
