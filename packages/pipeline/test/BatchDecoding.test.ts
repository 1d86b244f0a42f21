import type { StreamMessage } from "@bulkhead/nats"
import { DecodeError, type Decoder, recordTable } from "@bulkhead/records"
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { BatchDecoding } from "../src/BatchDecoding.ts"

interface Row {
  readonly time: Date
  readonly value: number
}

const table = (name: string) =>
  recordTable<Row>({ name, columns: { time: "timestamptz", value: "int4" }, timeColumn: "time" })

const [left, right] = [table("left"), table("right")]

/** A message whose payload says which rows it gives, and whether it turns out to be poison after all. */
interface Wish {
  readonly left: number
  readonly right: number
  readonly isPoison: boolean
}

const messageOf = (wish: Wish, index: number): StreamMessage => ({
  // Other subjects of the stream lie between.
  sequence: index * 3 + 1,
  subject: "acme.telemetry.x",
  headers: {},
  data: new TextEncoder().encode(JSON.stringify(wish)),
  timestamp: new Date(0)
})

const decode: Decoder = (message, rows) => {
  const wish: Wish = JSON.parse(new TextDecoder().decode(message.data))
  for (let value = 0; value < wish.left; value += 1) rows.add(left, { time: message.timestamp, value })
  for (let value = 0; value < wish.right; value += 1) rows.add(right, { time: message.timestamp, value })
  return wish.isPoison ? new DecodeError("malformed_json", "$", "poison") : undefined
}

const decodeAll = (messages: ReadonlyArray<StreamMessage>) => {
  const decoding = new BatchDecoding(messages, decode)
  while (!decoding.isDone) decoding.decodeSlice()
  return decoding.decoded
}

const wishes = fc.array(fc.record({ left: fc.nat({ max: 4 }), right: fc.nat({ max: 4 }), isPoison: fc.boolean() }))

describe("BatchDecoding", () => {
  it("gives every row of every good message to its table, in order, with the message's sequence", () => {
    fc.assert(
      fc.property(wishes, (list) => {
        const messages = list.map(messageOf)
        const { tables } = decodeAll(messages)
        for (const side of ["left", "right"] as const) {
          const expected = list.flatMap((wish, index) =>
            wish.isPoison ? [] : Array.from({ length: wish[side] }, (_, value) => [index * 3 + 1, value])
          )
          const found = tables.find(({ table: { name } }) => name === side)
          const rows = found?.rows.map((row, index) => [found.sequences[index], (row as Row).value]) ?? []
          assert.deepStrictEqual(rows, expected)
        }
      })
    )
  })

  it("keeps a poisoned message whole as a dead letter, and none of the rows it gave before it failed", () => {
    fc.assert(
      fc.property(wishes, (list) => {
        const messages = list.map(messageOf)
        const { deadLetters, tables } = decodeAll(messages)
        const poison = messages.filter((_, index) => list[index]?.isPoison)
        assert.deepStrictEqual(
          deadLetters.map(({ sequence, payload, reason }) => [sequence, payload, reason]),
          poison.map(({ sequence, data }) => [sequence, data, "malformed_json"])
        )
        const poisoned = new Set(poison.map(({ sequence }) => sequence))
        assert.isFalse(tables.some(({ sequences }) => sequences.some((sequence) => poisoned.has(sequence))))
      })
    )
  })

  it("finds the message behind a row", () => {
    const messages = [
      messageOf({ left: 1, right: 0, isPoison: false }, 0),
      messageOf({ left: 1, right: 1, isPoison: false }, 1)
    ]
    const { messageAt } = decodeAll(messages)
    assert.strictEqual(messageAt(4).payload, messages[1]?.data)
    assert.throws(() => messageAt(2), "no message of the batch has the sequence 2")
  })
})
