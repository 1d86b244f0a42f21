/**
 * Rows of one table in one statement, as one array per column: one plan and one round trip for any number of rows.
 */
import type { ColumnType, RecordTable } from "@bulkhead/records"
import { type PgClient, PgTypes } from "@effect/sql-pg"
import type { TableRows } from "../LaneBatch.ts"
import { pgArray } from "./pgArray.ts"
import { quoted } from "./quoted.ts"

const { OID } = PgTypes

/** The type that a column's array travels as. A number of JavaScript is exact as a double, and needs no `bigint`. */
const OIDS: Readonly<Record<ColumnType, number>> = {
  uuid: OID.uuid,
  timestamptz: OID.timestamptz,
  int4: OID.int4,
  int8: OID.float8,
  bigint: OID.int8,
  float8: OID.float8,
  bool: OID.bool,
  text: OID.text,
  jsonb: OID.text
}

/** What PostgreSQL makes of it, where it is not the column's type yet. */
const CASTS: Partial<Readonly<Record<ColumnType, string>>> = { int8: "::int8", jsonb: "::jsonb" }

/** Stands in every table of records. */
const STREAM_SEQ = ["stream_seq", "int8"] as const

/** The names of a table's columns in a statement, and what fills them. */
interface ColumnTexts {
  readonly count: number
  readonly names: string
  readonly values: string
}

const textsByTable = new WeakMap<RecordTable, ColumnTexts>()

const textsOf = (table: RecordTable): ColumnTexts => {
  const known = textsByTable.get(table)
  if (known !== undefined) return known
  const columns = [...table.columns, STREAM_SEQ]
  const made = {
    count: columns.length,
    names: columns.map(([name]) => name).join(", "),
    values: columns.map(([name, type]) => `input.${name}${CASTS[type] ?? ""}`).join(", ")
  }
  textsByTable.set(table, made)
  return made
}

const array = (values: ReadonlyArray<unknown>, type: ColumnType) => pgArray(values, OIDS[type])

const NONE: ReadonlyArray<unknown> = []

/** A column's values, or none where no row has one: PostgreSQL fills the arrays up to the longest with nulls. */
const valuesOf = (rows: ReadonlyArray<object>, name: string): ReadonlyArray<unknown> => {
  const values = rows.map((row) => (row as Readonly<Record<string, unknown>>)[name])
  return values.every((value) => value === null) ? NONE : values
}

/** The columns as arrays, typed for PostgreSQL, in the order of `insertText`. */
export const columnArrays = ({ table, rows, sequences }: TableRows): ReadonlyArray<PgTypes.Parameter> => [
  ...table.columns.map(([name, type]) => array(valuesOf(rows, name), type)),
  array(sequences, STREAM_SEQ[1])
]

/**
 * The statement that inserts rows which come as one array per column, from parameter `first` on. `lane` is what fills
 * `lane_id`; `beside` names what it may refer to.
 */
export const insertText = (
  schema: string,
  table: RecordTable,
  { first, lane, beside }: { readonly first: number; readonly lane: string; readonly beside?: string }
): string => {
  const { count, names, values } = textsOf(table)
  const parameters = Array.from({ length: count }, (_, index) => `$${first + index}`).join(", ")
  const sources = [...(beside === undefined ? [] : [beside]), `unnest(${parameters}) as input (${names})`].join(", ")
  return `insert into ${quoted(schema)}.${quoted(table.name)} (lane_id, ${names}) select ${lane}, ${values} from ${sources}`
}

/** Inserts into the table in `schema`; each row says which message of which lane it came from. */
export const insertRows = (sql: PgClient.PgClient, schema: string, laneId: number, written: TableRows) =>
  sql.unsafe(insertText(schema, written.table, { first: 2, lane: "$1" }), [
    PgTypes.int2(laneId),
    ...columnArrays(written)
  ])
