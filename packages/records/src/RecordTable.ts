/**
 * A table that records of one kind are written into, described so that storage can load rows of it without knowing the
 * kind. The statements that make the table are storage's: a table once made is changed by migrations, not here.
 */

/** How a value travels into PostgreSQL: `jsonb` as JSON text, `timestamptz` as a `Date`, `int8` as a number, `bigint` as such. */
export type ColumnType = "uuid" | "timestamptz" | "int4" | "int8" | "bigint" | "float8" | "bool" | "text" | "jsonb"

export interface RecordTable<Row extends object = object> {
  readonly name: string
  /** Every column that a row brings; the table may have more, with defaults. */
  readonly columns: ReadonlyArray<readonly [name: string, type: ColumnType]>
  /** The column by which the table is partitioned: a `timestamptz` that every row has. */
  readonly timeColumn: string
  /** What a row has in that column. */
  timeOf(row: Row): Date
}

/** The columns of a row that always have a time. */
type TimeColumn<Row> = { [Name in keyof Row & string]: Row[Name] extends Date ? Name : never }[keyof Row & string]

/** Describes a table; the columns are checked against the type of its rows. */
export const recordTable = <Row extends object>(table: {
  readonly name: string
  readonly columns: { readonly [Name in keyof Row & string]: ColumnType }
  readonly timeColumn: TimeColumn<Row>
}): RecordTable<Row> => ({
  ...table,
  columns: Object.entries<ColumnType>(table.columns),
  timeOf: (row) => row[table.timeColumn] as Date
})
