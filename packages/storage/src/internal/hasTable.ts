import type { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { quoted } from "./quoted.ts"

/** Whether `schema` has the table. Where there is no such schema it fails, as a statement on the table would. */
export const hasTable = (sql: PgClient.PgClient, schema: string, table: string) =>
  Effect.map(
    sql<{ isPresent: boolean }>`
      select to_regclass(${`${quoted(schema)}.${quoted(table)}`}) is not null as "isPresent"
      where ${quoted(schema)}::text::regnamespace is not null`,
    ([found]) => found?.isPresent === true
  )

/** The rows that `statement` gives; none, and it is not run, where the table that it is about was not made yet. */
export const whereTable =
  (sql: PgClient.PgClient, schema: string, table: string) =>
  <A, E>(statement: Effect.Effect<ReadonlyArray<A>, E>): Effect.Effect<ReadonlyArray<A>, E | SqlError> =>
    Effect.flatMap(hasTable(sql, schema, table), (isThere) => (isThere ? statement : Effect.succeed([])))
