/**
 * Feeds mutated payloads to every decoder. A crash is a decoder that throws, an error that cannot be stored, or a row
 * that PostgreSQL would refuse. The same seed makes the same payloads.
 */
import type { Decoder, RecordTable, RowSink } from "../src/index.ts"
import * as records from "../src/index.ts"
import { corpus } from "./corpus.ts"
import { rowProblem } from "./rowProblem.ts"

const decoders: ReadonlyMap<string, Decoder> = new Map(
  Object.entries(records).flatMap(([name, value]) =>
    name.endsWith("Decoder") ? [[name, value as Decoder] as const] : []
  )
)

const decoderNamed = (name: string): Decoder => {
  const decode = decoders.get(name)
  if (decode === undefined) throw new Error(`no decoder is called ${name}`)
  return decode
}

export { corpus } from "./corpus.ts"
export { flowMessage } from "./flowMessage.ts"
export { otlpLogs } from "./otlpLogs.ts"

export interface Crash {
  readonly decoder: string
  readonly payload: Uint8Array
  readonly problem: string
}

/** What a run found. */
export interface FuzzResult {
  readonly crash: Crash | undefined
  readonly accepted: number
  readonly refused: number
}

/** A generator of numbers below `limit`: mulberry32, which needs one integer of state. */
const generator = (seed: number) => {
  let state = seed >>> 0
  return (limit: number): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}

type Random = ReturnType<typeof generator>

/** What breaks parsers: limits of numbers, escapes, openings, keys with a meaning. */
const WORDS = [
  "null",
  "true",
  "1e400",
  "-0",
  "0",
  "-1",
  "1.5",
  "2147483648",
  "9007199254740993",
  "9223372036854775808",
  "18446744073709551616",
  "1".repeat(400),
  '"',
  "\\u0000",
  "\\ud800",
  "\\",
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  '"__proto__":{},',
  '"constructor":1,',
  '"toString":1,',
  "[".repeat(200),
  '{"a":'.repeat(200),
  '"NaN"',
  '""',
  "\u0000",
  "\ufffd",
  "\n",
  "[[",
  "{}",
  "[]"
].map((word) => Buffer.from(word))

/** Bytes that end or overflow numbers, tags and lengths. */
const BYTES = [
  [0],
  [0x7f],
  [0x80],
  [0xff],
  [0x0a],
  [0x12],
  [0x3a],
  [0x0b],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [...new Array(10).fill(0xff)],
  [0x80, 0x80, 0x00]
].map((bytes) => Buffer.from(bytes))

const pick = <Value>(random: Random, values: ReadonlyArray<Value>): Value => values[random(values.length)] as Value

const splice = (payload: Buffer, at: number, removed: number, inserted: Uint8Array): Buffer =>
  Buffer.concat([payload.subarray(0, at), inserted, payload.subarray(at + removed)])

const mutateOnce = (payload: Buffer, random: Random): Buffer => {
  const at = random(payload.byteLength + 1)
  const length = random(16)
  switch (random(8)) {
    case 0: {
      const flipped = Buffer.from(payload)
      if (at < flipped.byteLength) flipped[at] = (flipped[at] ?? 0) ^ (1 << random(8))
      return flipped
    }
    case 1:
      return splice(payload, at, 1, Buffer.from([random(256)]))
    case 2:
      return splice(payload, at, length, Buffer.alloc(0))
    case 3:
      return splice(payload, at, random(4), pick(random, WORDS))
    case 4:
      return splice(payload, at, random(4), pick(random, BYTES))
    case 5:
      return splice(payload, at, 0, payload.subarray(at, at + random(64)))
    case 6: {
      const other = Buffer.from(pick(random, corpus).payload)
      const from = random(other.byteLength)
      return splice(payload, at, length, other.subarray(from, from + random(64)))
    }
    default:
      return payload.subarray(0, at)
  }
}

/** What stands where a value or a key of JSON stood, so that it stays JSON. */
const VALUES = [
  "null",
  "true",
  "0",
  "-0",
  "-1",
  "1.5",
  "7",
  "1e400",
  "1e-400",
  "2147483648",
  "9007199254740993",
  "9223372036854775807",
  "9223372036854775808",
  "18446744073709551616",
  "1".repeat(308),
  "1".repeat(400),
  '""',
  '"x"',
  '"7"',
  '"2026-01-14T10:00:00Z"',
  '"10.0.0.1"',
  '"TCP"',
  '"NaN"',
  '"\\u0000"',
  '"\\ud800"',
  '"\\ud83d\\ude00"',
  '"__proto__"',
  "[]",
  "{}",
  "[{}]",
  '{"__proto__":[1]}',
  `${"[".repeat(100)}${"]".repeat(100)}`
]

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null/g

/** Another value or key, where the payload is JSON. */
const replaceToken = (payload: Buffer, random: Random): Buffer => {
  const text = payload.toString("utf8")
  const tokens = [...text.matchAll(TOKEN)]
  if (!/^[[{]/.test(text) || tokens.length === 0) return overwrite(payload, random)
  const { index, 0: token } = pick(random, tokens)
  return Buffer.from(`${text.slice(0, index)}${pick(random, VALUES)}${text.slice(index + token.length)}`)
}

/** Another byte, so that the lengths of protobuf still hold. */
const overwrite = (payload: Buffer, random: Random): Buffer => {
  const at = random(payload.byteLength + 1)
  return splice(payload, at, 1, Buffer.from([random(256)]))
}

const MUTATIONS_MAX = 4

const mutated = (payload: Uint8Array, random: Random): Buffer => {
  const mutate = pick(random, [mutateOnce, overwrite, replaceToken])
  let bytes: Buffer = Buffer.from(payload)
  for (let left = random(random(MUTATIONS_MAX) + 1); left >= 0; left -= 1) bytes = mutate(bytes, random)
  return bytes
}

/** Of a hundred payloads, how many go to a decoder of any kind instead of their own. */
const STRAY_PERCENT = 10

const timestamp = new Date("2026-02-01T00:00:00Z")

/** Rows of a message that are looked at. */
const ROWS_CHECKED_MAX = 20

/** What is wrong with how `decode` takes the payload, or whether it accepted it; `taken` gets the rows that it gives then. */
const problemOf = (decode: Decoder, data: Uint8Array, taken: RowSink | undefined): string | boolean => {
  const rows: Array<readonly [table: RecordTable, row: object]> = []
  const add = (table: RecordTable, row: object): number => rows.push([table, row])
  try {
    const error = decode({ subject: "logs.fuzz", headers: {}, data, timestamp }, { add })
    if (error !== undefined) return errorProblem(error) ?? false
    const problem = rows
      .slice(0, ROWS_CHECKED_MAX)
      .map(([table, row]) => rowProblem(table, row))
      .find((found) => found !== undefined)
    for (const [table, row] of rows) taken?.add(table, row)
    return problem ?? true
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
}

const ERROR_CHARACTERS_MAX = 2_000

const errorProblem = ({ message, reason }: records.DecodeError): string | undefined => {
  const isStorable = message.length < ERROR_CHARACTERS_MAX && message.isWellFormed() && !/\p{Cc}/u.test(message)
  return isStorable && records.DECODE_REASONS.includes(reason) ? undefined : `the error cannot be stored: ${message}`
}

/** Tries `count` payloads, each with its decoder or now and then another; stops at the first crash. `taken` gets the rows. */
export const fuzz = (count: number, seed: number, taken?: RowSink): FuzzResult => {
  let [accepted, refused] = [0, 0]
  for (let index = 0; index < count; index += 1) {
    const random = generator(seed + Math.imul(index, 0x9e3779b1))
    const seedPayload = pick(random, corpus)
    const payload = mutated(seedPayload.payload, random)
    const decoder = random(100) < STRAY_PERCENT ? pick(random, [...decoders.keys()]) : seedPayload.decoder
    const outcome = problemOf(decoderNamed(decoder), payload, taken)
    if (typeof outcome === "string") return { crash: { decoder, payload, problem: outcome }, accepted, refused }
    if (outcome) accepted += 1
    else refused += 1
  }
  return { crash: undefined, accepted, refused }
}
