/**
 * Writes rows of one table in one statement of one array per column, so that it is one plan and one round trip for any
 * number of rows.
 */
import type { ColumnType, RecordTable } from "@bulkhead/records"
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Result } from "effect"
import type { TableRows } from "../LaneBatch.ts"
import { quoted } from "./quoted.ts"

const { OID } = PgTypes

/** The type that a column's array travels as. A number of JavaScript is exact as a double, and needs no `bigint`. */
const OIDS: Readonly<Record<ColumnType, number>> = {
  uuid: OID.uuid,
  timestamptz: OID.timestamptz,
  int4: OID.int4,
  int8: OID.float8,
  float8: OID.float8,
  bool: OID.bool,
  text: OID.text,
  jsonb: OID.text
}

/** What PostgreSQL makes of it, where it is not the column's type yet. */
const CASTS: Partial<Readonly<Record<ColumnType, string>>> = { int8: "::int8", jsonb: "::jsonb" }

/** The parts of a table's statement that are the same for every tenant. */
interface Statement {
  readonly names: string
  readonly values: string
  readonly parameters: string
}

/** Stands in every table of records. */
const STREAM_SEQ = ["stream_seq", "int8"] as const

const statements = new WeakMap<RecordTable, Statement>()

const statementOf = (table: RecordTable): Statement => {
  const known = statements.get(table)
  if (known !== undefined) return known
  const columns = [...table.columns, STREAM_SEQ]
  const made = {
    names: columns.map(([name]) => name).join(", "),
    values: columns.map(([name, type]) => `${name}${CASTS[type] ?? ""}`).join(", "),
    parameters: columns.map((_, index) => `$${index + 2}`).join(", ")
  }
  statements.set(table, made)
  return made
}

const array = (values: ReadonlyArray<unknown>, type: ColumnType) => Result.getOrThrow(PgTypes.array(values, OIDS[type]))

/** The columns as arrays, typed for PostgreSQL. */
const arraysOf = ({ table, rows, sequences }: TableRows): ReadonlyArray<PgTypes.Parameter> => [
  ...table.columns.map(([name, type]) =>
    array(
      rows.map((row) => (row as Readonly<Record<string, unknown>>)[name]),
      type
    )
  ),
  array(sequences, STREAM_SEQ[1])
]

/** Inserts into the table in `schema`; each row says which message of which lane it came from. */
export const insertRows = (sql: PgClient.PgClient, schema: string, laneId: number, written: TableRows) => {
  const { names, values, parameters } = statementOf(written.table)
  const target = `${quoted(schema)}.${quoted(written.table.name)}`
  return sql.unsafe(
    `insert into ${target} (lane_id, ${names}) select $1, ${values} from unnest(${parameters}) as row (${names})`,
    [PgTypes.int2(laneId), ...arraysOf(written)]
  )
}
