import type { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { hasTable } from "./hasTable.ts"
import { inOneTrip } from "./inOneTrip.ts"
import { quoted } from "./quoted.ts"

/**
 * Makes `table`, and what belongs to it, unless it is there, in the tenant's transaction. Of two who miss it at once the
 * second waits for the first, and finds it made.
 */
export const makeOnce = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  schema: string,
  table: string,
  statements: ReadonlyArray<string>
) {
  if (yield* hasTable(sql, schema, table)) return
  const name = `${quoted(schema)}.${quoted(table)}`
  yield* inOneTrip(sql, [
    `perform pg_advisory_xact_lock(hashtextextended('bulkhead.make.${schema}.${table}', 0))`,
    `if to_regclass('${name}') is null then
       ${statements.join(";\n")};
     end if`
  ])
})
