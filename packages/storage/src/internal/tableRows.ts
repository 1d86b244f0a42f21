/**
 * Looks at the rows of a batch by the messages they came from.
 */
import type { TableRows } from "../LaneBatch.ts"

export const countRows = (tables: ReadonlyArray<TableRows>): number =>
  tables.reduce((sum, { rows }) => sum + rows.length, 0)

/** So many rows go into one statement at most: as columns they are in memory once more. */
export const STATEMENT_ROWS_MAX = 20_000

/** Cuts rows by what one statement takes. */
export const inStatements = (written: TableRows): ReadonlyArray<TableRows> => {
  const { table, rows, sequences } = written
  if (rows.length <= STATEMENT_ROWS_MAX) return [written]
  return Array.from({ length: Math.ceil(rows.length / STATEMENT_ROWS_MAX) }, (_, index) => {
    const range = [index * STATEMENT_ROWS_MAX, (index + 1) * STATEMENT_ROWS_MAX] as const
    return { table, rows: rows.slice(...range), sequences: sequences.slice(...range) }
  })
}

/** The messages that have rows, each once, in order. */
export const sequencesOf = (tables: ReadonlyArray<TableRows>): ReadonlyArray<number> =>
  [...new Set(tables.flatMap(({ sequences }) => sequences))].sort((a, b) => a - b)

/** The rows whose message stands from `first` to before `end`; to the last one where there is no `end`. */
export const rowsBetween = (
  tables: ReadonlyArray<TableRows>,
  first = 0,
  end = Number.POSITIVE_INFINITY
): ReadonlyArray<TableRows> =>
  tables.flatMap(({ table, rows, sequences }) => {
    const from = sequences.findIndex((sequence) => sequence >= first)
    if (from < 0) return []
    const after = sequences.findIndex((sequence) => sequence >= end)
    const range = [from, after < 0 ? sequences.length : after] as const
    if (range[0] >= range[1]) return []
    return [{ table, rows: rows.slice(...range), sequences: sequences.slice(...range) }]
  })
