/**
 * Applies numbered migrations to one schema, inside the caller's transaction and under the caller's lock. A schema
 * keeps its own version, so that schemas may be of different age.
 */
import type { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { DatabaseMisconfigured } from "../StorageError.ts"
import { hasTable } from "./hasTable.ts"
import { inOneTrip } from "./inOneTrip.ts"
import { quoted } from "./quoted.ts"
import { failed } from "./sqlFailure.ts"

/** One step; its place in the list decides its version, so steps are only ever appended. */
export interface Migration {
  readonly name: string
  readonly statements: ReadonlyArray<string>
}

export interface MigrateOptions {
  /** The version of the first step; a schema that is older is refused. Default 1. */
  readonly oldest?: number
}

/** Brings `schema` to the newest version and gives the versions before and after. Each step is one trip to the server. */
export const migrate = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  schema: string,
  migrations: ReadonlyArray<Migration>,
  { oldest = 1 }: MigrateOptions = {}
) {
  const table = `${quoted(schema)}.schema_migrations`
  const before = yield* versionIn(sql, schema)
  if (before > 0 && before < oldest) return yield* tooOld(schema, before, oldest)
  for (const [index, { name, statements }] of migrations.entries()) {
    const version = oldest + index
    if (version <= before) continue
    const isFirst = before === 0 && index === 0
    yield* inOneTrip(sql, [
      ...(isFirst ? [versionsTable(table)] : []),
      ...statements,
      `insert into ${table} (version, name) values (${version}, '${name.replaceAll("'", "''")}')`
    ])
  }
  return { before, after: Math.max(before, oldest + migrations.length - 1) }
})

const versionsTable = (table: string): string =>
  `create table ${table} (
    version integer primary key,
    name varchar(200) not null,
    applied_at timestamptz not null default now()
  )`

const tooOld = (schema: string, version: number, oldest: number) =>
  Effect.fail(
    failed(
      "migrate",
      new DatabaseMisconfigured({
        problem: `the schema "${schema}" has version ${version}, and the oldest that is read is ${oldest}`,
        nextStep: "it is of a build that was never released: start with an empty database"
      })
    )
  )

/** The version of `schema`; 0 where it has no migration yet. */
export const versionIn = Effect.fnUntraced(function* (sql: PgClient.PgClient, schema: string) {
  const table = `${quoted(schema)}.schema_migrations`
  if (!(yield* hasTable(sql, schema, "schema_migrations"))) return 0
  const [row] = yield* sql.unsafe<{ version: number | null }>(`select max(version) as version from ${table}`)
  return row?.version ?? 0
})
