/**
 * The schema that a service keeps beside the tenants', made or brought up to date. Every process may do it at its start.
 */
import { Effect } from "effect"
import { Database } from "./Database.ts"
import { type Migration, migrate } from "./internal/migrate.ts"
import { quoted } from "./internal/quoted.ts"
import { asStorageError } from "./internal/sqlFailure.ts"

/**
 * Brings `schema` to the version of the list, once, however many processes ask at a time.
 *
 * **Fails**: `StorageError`, reason `DatabaseUnavailable` (retryable) or `StatementRefused` (the login role needs
 * `CREATE` on the database, or to own the schema).
 */
export const migrateServiceSchema = Effect.fn("migrateServiceSchema")(function* (
  schema: string,
  migrations: ReadonlyArray<Migration>
) {
  const { sql } = yield* Database
  return yield* sql
    .withTransaction(
      Effect.gen(function* () {
        yield* sql`select pg_advisory_xact_lock(hashtextextended(${`bulkhead.schema.${schema}`}, 0))`
        // Whoever owns the schema already needs no right to make one.
        const found = yield* sql`select from pg_namespace where nspname = ${schema}`
        if (found.length === 0) yield* sql.unsafe(`create schema ${quoted(schema)}`).unprepared
        return yield* migrate(sql, schema, migrations)
      })
    )
    .pipe(asStorageError(`migrate ${schema}`))
})
