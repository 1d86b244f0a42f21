/**
 * A whole commit as one statement: the watermark moves, and the rows are inserted where it did. A transaction of five
 * statements says the same in five round trips, which cost a small batch more than its rows do.
 */
import { schemaName } from "@bulkhead/channels"
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect } from "effect"
import type { LaneBatch } from "../LaneBatch.ts"
import { columnArrays, insertText } from "./insertRows.ts"
import { quoted } from "./quoted.ts"

const statementOf = (schema: string, { lane, from, to, tables }: LaneBatch, rows: number) => {
  const parameters: Array<PgTypes.Parameter | string> = [lane.name, int8(from), int8(to), PgTypes.int4(rows)]
  const inserts: Array<string> = []
  for (const written of tables) {
    const first = parameters.length + 1
    inserts.push(insertText(schema, written.table, { first, lane: "moved.id", beside: "moved" }))
    parameters.push(...columnArrays(written))
  }
  const text = `with moved as (
      update ${quoted(schema)}.watermarks set seq = $3, rows_written = rows_written + $4, updated_at = now()
      where lane = $1 and seq = $2 returning id
    )${inserts.map((insert, index) => `, rows_${index} as (${insert})`).join("")}
    select id from moved`
  return { text, parameters }
}

const int8 = (value: number) => PgTypes.int8(BigInt(value))

/**
 * Commits `batch`, which has no dead letters and as many rows as one statement takes, into `schema`, on a connection of lanes that the caller has for itself. Gives false where
 * the watermark was not at `from`, and nothing was written.
 *
 * The role stays on the connection. It is taken before each commit, in the same write: the statement that follows a
 * refused one runs as another tenant or as the login role, and neither has a right on this schema.
 */
export const commitInOneStatement = (connection: PgClient.PgClient, schema: string, batch: LaneBatch, rows: number) =>
  Effect.suspend(() => {
    const { text, parameters } = statementOf(schema, batch, rows)
    return Effect.all(
      [connection`select set_config('role', ${schemaName(batch.tenant)}, false)`, connection.unsafe(text, parameters)],
      { concurrency: 2 }
    )
  }).pipe(Effect.map(([, moved]) => moved.length === 1))
