/**
 * Writes rows, of any tables, and sets aside the messages of whose rows PostgreSQL refuses one.
 */
import type { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { TableRows } from "../LaneBatch.ts"
import { insertRows } from "./insertRows.ts"
import { isRowRefused, refusalText } from "./sqlFailure.ts"
import { inStatements, rowsBetween, sequencesOf } from "./tableRows.ts"

/** Where rows go, and the lane that stands in them. */
export interface RowsTarget {
  readonly schema: string
  readonly laneId: number
}

export interface RefusedMessage {
  readonly sequence: number
  /** What PostgreSQL said. */
  readonly detail: string
}

export const insertTables = (sql: PgClient.PgClient, target: RowsTarget, tables: ReadonlyArray<TableRows>) =>
  Effect.forEach(
    tables.flatMap(inStatements),
    // The columns of a statement's rows are made one statement at a time.
    (written) => Effect.suspend(() => insertRows(sql, target.schema, target.laneId, written)),
    { discard: true }
  )

/** Inside the caller's transaction: halves what PostgreSQL refuses until single messages are left, and gives those. */
export const insertAcceptable = (
  sql: PgClient.PgClient,
  target: RowsTarget,
  tables: ReadonlyArray<TableRows>
): Effect.Effect<ReadonlyArray<RefusedMessage>, SqlError> => {
  const sequences = sequencesOf(tables)
  /** Writes the messages [begin, end) of `sequences`. */
  const write = (begin: number, end: number): Effect.Effect<ReadonlyArray<RefusedMessage>, SqlError> =>
    insertTables(sql, target, rowsBetween(tables, sequences[begin], sequences[end])).pipe(
      // Inside a transaction this is a savepoint.
      sql.withTransaction,
      Effect.as<ReadonlyArray<RefusedMessage>>([]),
      Effect.catch((error) => {
        if (!isRowRefused(error)) return Effect.fail(error)
        const sequence = sequences[begin]
        if (end - begin === 1 && sequence !== undefined) {
          return Effect.succeed([{ sequence, detail: refusalText(error) }])
        }
        const middle = begin + Math.floor((end - begin) / 2)
        return Effect.zipWith(write(begin, middle), write(middle, end), (left, right) => [...left, ...right])
      })
    )
  return write(0, sequences.length)
}
