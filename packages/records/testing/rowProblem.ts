/**
 * Says why PostgreSQL would refuse a row, by the types of its table's columns.
 */
import type { ColumnType, RecordTable } from "../src/index.ts"

const TIME_MS_MAX = 253_402_300_799_999
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

const isText = (value: unknown): value is string =>
  typeof value === "string" && value.isWellFormed() && !value.includes("\u0000")

const isInteger = (value: unknown, limit: number): boolean =>
  typeof value === "number" && Number.isInteger(value) && value >= -limit && value < limit

/** An escaped NUL, where the backslash is not itself escaped. */
const NUL_ESCAPE = /(?<!\\)(?:\\\\)*\\u0000/

const isJson = (value: unknown): boolean => {
  if (!isText(value) || NUL_ESCAPE.test(value)) return false
  try {
    JSON.parse(value)
    return true
  } catch {
    return false
  }
}

const FITS: Readonly<Record<ColumnType, (value: unknown) => boolean>> = {
  uuid: (value) => typeof value === "string" && UUID.test(value),
  timestamptz: (value) => value instanceof Date && value.getTime() >= 0 && value.getTime() <= TIME_MS_MAX,
  int4: (value) => isInteger(value, 2 ** 31),
  int8: (value) => isInteger(value, 2 ** 53),
  bigint: (value) => typeof value === "bigint" && BigInt.asIntN(64, value) === value,
  float8: (value) => typeof value === "number",
  bool: (value) => typeof value === "boolean",
  text: isText,
  jsonb: isJson
}

export const rowProblem = (table: RecordTable, row: object): string | undefined => {
  const fields = row as Readonly<Record<string, unknown>>
  for (const [name, type] of table.columns) {
    const value = fields[name]
    if (value !== null && !FITS[type](value)) return `${table.name}.${name} is no ${type}: ${String(value)}`
  }
  const extra = Object.keys(fields).find((name) => !table.columns.some(([column]) => column === name))
  return extra === undefined ? undefined : `${table.name} has no column ${extra}`
}
