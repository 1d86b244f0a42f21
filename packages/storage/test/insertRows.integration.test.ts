import { PostgresServer } from "@bulkhead/devstack"
import type { ColumnType, RecordTable } from "@bulkhead/records"
import { fuzz } from "@bulkhead/records/testing"
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { insertRows } from "../src/internal/insertRows.ts"
import { asSuperuser } from "./fixtures.ts"

const SCHEMA = "every_record"

const TYPES: Partial<Readonly<Record<ColumnType, string>>> = { bigint: "int8" }

const tableText = ({ name, columns }: RecordTable): string =>
  `create table ${SCHEMA}.${name} (lane_id int2, stream_seq int8,
    ${columns.map(([column, type]) => `${column} ${TYPES[type] ?? type}`).join(", ")})`

/** The rows that decoders make of mutated payloads, by table. */
const fuzzedRows = (count: number, seed: number): ReadonlyMap<RecordTable, ReadonlyArray<object>> => {
  const tables = new Map<RecordTable, Array<object>>()
  const add = (table: RecordTable<never>, row: object) => {
    const known = tables.get(table as RecordTable)
    if (known === undefined) tables.set(table as RecordTable, [row])
    else known.push(row)
  }
  fuzz(count, seed, { add })
  return tables
}

describe("insertRows", () => {
  layer(PostgresServer.layer())((it) => {
    it.effect("stores every row that a decoder gives, of every kind, as it is", () =>
      Effect.gen(function* () {
        const url = yield* (yield* PostgresServer).createDatabase("rows")
        const tables = fuzzedRows(20_000, 7)
        assert.strictEqual(tables.size, 7)
        yield* asSuperuser(url, (sql) =>
          Effect.gen(function* () {
            yield* sql.unsafe(`create schema ${SCHEMA}`)
            for (const [table, rows] of tables) {
              yield* sql.unsafe(tableText(table))
              yield* insertRows(sql, SCHEMA, 1, { table, rows, sequences: rows.map((_, index) => index) })
              const [stored] = yield* sql.unsafe<{ count: number }>(
                `select count(*)::int4 as count from ${SCHEMA}.${table.name}`
              )
              assert.strictEqual(stored?.count, rows.length, table.name)
            }
            // The digits of 64-bit integers go through both forms of a column.
            const [log] = yield* sql.unsafe<{ time: string; digits: string }>(
              `select time_unix_nano::text as time, attributes ->> 'a.2' as digits from ${SCHEMA}.logs
              where time_unix_nano = 1768400000250000123 and attributes ->> 'a.2' = '-9007199254740993' limit 1`
            )
            assert.deepStrictEqual(log, { time: "1768400000250000123", digits: "-9007199254740993" })
          })
        )
      })
    )
  })
})
