import { assert } from "@effect/vitest"
import { DecodeError, type DecodeReason, type Decoder, type RecordTable } from "../src/index.ts"
import { bytes } from "./payloads.ts"

/** When the stream took every message of the tests. */
export const received = new Date("2026-02-01T00:00:00Z")

/** What `decode` makes of a payload: its error, or its rows by table. */
export const decodeWith = (decode: Decoder, payload: unknown, subject = "logs.test") => {
  const rows: Array<{ readonly table: string; readonly row: object }> = []
  const add = (table: RecordTable<never>, row: object) => rows.push({ table: table.name, row })
  const data = payload instanceof Uint8Array ? payload : bytes(payload)
  const error = decode({ subject, headers: {}, data, timestamp: received }, { add })
  return { error, rows }
}

/** The rows of `table`, which are all that `decode` gives. */
export const rowsOf = <Row extends object>(
  decode: Decoder,
  table: RecordTable<Row>,
  payload: unknown,
  subject?: string
): ReadonlyArray<Row> => {
  const { error, rows } = decodeWith(decode, payload, subject)
  if (error !== undefined) throw error
  return rows.map((one) => {
    assert.strictEqual(one.table, table.name)
    assert.sameMembers(
      Object.keys(one.row),
      table.columns.map(([name]) => name)
    )
    return one.row as Row
  })
}

/** The only row. */
export const rowOf = <Row extends object>(
  decode: Decoder,
  table: RecordTable<Row>,
  payload: unknown,
  subject?: string
): Row => {
  const [row, ...others] = rowsOf(decode, table, payload, subject)
  if (row === undefined || others.length > 0) throw new Error(`${others.length + 1} rows`)
  return row
}

/** Asserts that `decode` refuses the payload for `reason`, at `path`. */
export const refused = (decode: Decoder, payload: unknown, reason: DecodeReason, path: string): DecodeError => {
  const { error } = decodeWith(decode, payload)
  if (!(error instanceof DecodeError)) throw new Error("accepted")
  assert.strictEqual(error.reason, reason, error.message)
  assert.strictEqual(error.path, path, error.message)
  return error
}
