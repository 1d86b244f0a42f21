import { assert, describe, it } from "@effect/vitest"
import * as records from "../src/index.ts"
import { recordTable } from "../src/index.ts"
import { corpus } from "../testing/corpus.ts"
import { fuzz } from "../testing/fuzz.ts"
import { rowProblem } from "../testing/rowProblem.ts"
import { decodeWith } from "./decoding.ts"

describe("npm run fuzz", () => {
  it("finds no payload of 20000 that crashes a decoder, and both good and bad ones", () => {
    const seed = Math.floor(Math.random() * 2 ** 31)
    const { crash, accepted, refused } = fuzz(20_000, seed)
    assert.isUndefined(
      crash,
      `seed ${seed}: ${crash?.decoder} ${crash?.problem} ${Buffer.from(crash?.payload ?? []).toString("base64")}`
    )
    assert.isAbove(accepted, 2_000)
    assert.isAbove(refused, 5_000)
  })

  it("begins with payloads that their decoders take, some for each decoder", () => {
    const decoders = new Map(Object.entries(records).filter(([name]) => name.endsWith("Decoder")))
    assert.sameMembers([...new Set(corpus.map(({ decoder }) => decoder))], [...decoders.keys()])
    for (const { decoder, payload } of corpus) {
      const { error, rows } = decodeWith(decoders.get(decoder) as records.Decoder, payload)
      assert.isUndefined(error)
      assert.isAbove(rows.length, 0, decoder)
    }
  })

  it("sees a row that PostgreSQL would refuse", () => {
    const table = recordTable<{ readonly at: Date; readonly n: number; readonly t: string; readonly j: string }>({
      name: "t",
      columns: { at: "timestamptz", n: "int4", t: "text", j: "jsonb" },
      timeColumn: "at"
    })
    const good = { at: new Date(0), n: 1, t: "a", j: '"\\\\u0000"' }
    assert.isUndefined(rowProblem(table, good))
    assert.strictEqual(rowProblem(table, { ...good, n: 2 ** 31 }), "t.n is no int4: 2147483648")
    for (const bad of [
      { at: new Date(Number.NaN) },
      { t: "\u0000" },
      { t: "\ud800" },
      { j: "{" },
      { j: '"\\u0000"' },
      { x: 1 },
      { n: undefined }
    ]) {
      assert.isString(rowProblem(table, { ...good, ...bad }))
    }
  })
})
