import type { TenantSlug } from "@bulkhead/channels"
import type { StreamMessage } from "@bulkhead/nats"
import type { Decoder, RecordTable } from "@bulkhead/records"
import { DecodeError } from "@bulkhead/records"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { decodeInTurns } from "../src/decodeInTurns.ts"
import { LaneScheduler } from "../src/index.ts"

const table: RecordTable = {
  name: "numbers",
  columns: [["number", "int4"]],
  timeColumn: "time",
  timeOf: () => new Date(0)
}

const messagesOf = (count: number, bytes = 100): ReadonlyArray<StreamMessage> =>
  Array.from({ length: count }, (_, index) => ({
    sequence: index + 1,
    subject: "acme.events.test",
    data: new Uint8Array(bytes),
    headers: {},
    timestamp: new Date(0)
  }))

/** Takes every message for a row, but each tenth, which is poison after it has given one. */
const decoder = (onDecode: () => void): Decoder => {
  let number = 0
  return (_message, sink) => {
    onDecode()
    number += 1
    sink.add(table, { number })
    return number % 10 === 0 ? new DecodeError("invalid_field", "$", "a tenth") : undefined
  }
}

/** Gives lanes by weight. */
const lanes = Effect.map(
  Effect.provide(LaneScheduler, LaneScheduler.layerWith({ connections: 1, connectionOf: () => 0 })),
  ({ lane }) =>
    (weight: number) =>
      lane({ tenant: "acme" as TenantSlug, weight })
)

/** How much of a busy lane's batch is decoded before one message of another lane is. */
const decodedBefore = Effect.fnUntraced(function* (messages: ReadonlyArray<StreamMessage>) {
  const lane = yield* lanes
  let decoded = 0
  const busy = decodeInTurns(
    messages,
    decoder(() => {
      decoded += 1
    }),
    lane(16).decode
  )
  const fiber = yield* Effect.forkChild(busy, { startImmediately: true })
  const before = decoded
  let between = 0
  const other = decoder(() => {
    between = decoded - before
  })
  yield* decodeInTurns(messagesOf(1), other, lane(1).decode)
  yield* Fiber.join(fiber)
  assert.strictEqual(decoded, messages.length)
  return between
})

describe("decodeInTurns", () => {
  it.live("gives rows and dead letters in order over the borders of slices, and their size", () =>
    Effect.gen(function* () {
      const messages = messagesOf(1_000)
      const decode = decoder(() => {})
      const { tables, deadLetters, size, messageAt } = yield* decodeInTurns(messages, decode, (yield* lanes)(1).decode)
      const good = messages.map(({ sequence }) => sequence).filter((sequence) => sequence % 10 !== 0)
      assert.deepStrictEqual(tables, [{ table, rows: good.map((number) => ({ number })), sequences: good }])
      assert.deepStrictEqual(
        deadLetters.map(({ sequence }) => sequence),
        Array.from({ length: 100 }, (_, index) => (index + 1) * 10)
      )
      assert.deepStrictEqual(size, { events: 1_000, bytes: 100_000 })
      assert.strictEqual(messageAt(777).sequence, 777)
    })
  )

  it.live("decodes no more than a slice of a large batch before another lane's message", () =>
    Effect.gen(function* () {
      assert.isAtMost(yield* decodedBefore(messagesOf(10_000)), 256)
    })
  )

  it.live("bounds a slice of large messages by their bytes", () =>
    Effect.gen(function* () {
      assert.isAtMost(yield* decodedBefore(messagesOf(200, 64 * 1024)), 2)
    })
  )
})
