/**
 * Applies numbered migrations to one schema, inside the caller's transaction and under the caller's lock. A schema
 * keeps its own version, so that schemas may be of different age.
 */
import type { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { inOneTrip } from "./inOneTrip.ts"
import { quoted } from "./quoted.ts"

/** One step; its place in the list is its version, so steps are only ever appended. */
export interface Migration {
  readonly name: string
  readonly statements: ReadonlyArray<string>
}

/** Brings `schema` to the newest version and gives the versions before and after. */
export const migrate = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  schema: string,
  migrations: ReadonlyArray<Migration>
) {
  const table = `${quoted(schema)}.schema_migrations`
  yield* sql.unsafe(
    `create table if not exists ${table} (
      version integer primary key,
      name text not null,
      applied_at timestamptz not null default now()
    )`
  ).unprepared
  const before = yield* versionIn(sql, schema)
  for (const [index, migration] of migrations.entries()) {
    const version = index + 1
    if (version <= before) continue
    yield* inOneTrip(sql, migration.statements)
    yield* sql.unsafe(`insert into ${table} (version, name) values ($1, $2)`, [version, migration.name])
  }
  return { before, after: Math.max(before, migrations.length) }
})

/** The version of `schema`; 0 where it has no migration yet. */
export const versionIn = Effect.fnUntraced(function* (sql: PgClient.PgClient, schema: string) {
  const [row] = yield* sql.unsafe<{ version: number | null }>(
    `select max(version) as version from ${quoted(schema)}.schema_migrations`
  )
  return row?.version ?? 0
})
