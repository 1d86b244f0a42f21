/**
 * Reads a payload as JSON, and keeps the digits of integers that a double cannot hold: such a number becomes a
 * `RawNumber`, which `JSON.stringify` writes as it was.
 */
import { DecodeError } from "../DecodeError.ts"
import { preview } from "./preview.ts"

/** An integer of more than 15 digits, as it stood in the JSON. */
export interface RawNumber {
  readonly rawJSON: string
}

/** Node has them; the compiler's library does not know them yet. */
const json = JSON as unknown as {
  parse(text: string, revive: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown
  rawJSON(text: string): RawNumber
  isRawJSON(value: unknown): value is RawNumber
}

export const isRawNumber = json.isRawJSON

const LONG_NUMBER = /[:[,\s]-?\d{16}/
/** One with more digits is beyond a double, and beyond what a number of PostgreSQL should be. */
const LONG_INTEGER = /^-?\d{16,308}$/

const utf8 = new TextDecoder("utf-8", { fatal: true })

const keepDigits = (_key: string, value: unknown, { source }: { readonly source?: string }): unknown =>
  typeof value === "number" && source !== undefined && LONG_INTEGER.test(source) && !Number.isSafeInteger(value)
    ? json.rawJSON(source)
    : value

export interface ParsedJson {
  readonly document: unknown
  /** Whether texts can hold what PostgreSQL refuses: only an escape brings it into text that was valid UTF-8 and JSON. */
  readonly hasEscapes: boolean
}

/** Throws a `DecodeError` where the payload is not JSON in UTF-8. */
export const parseJson = (payload: Uint8Array): ParsedJson => {
  const text = decodeText(payload)
  return { document: parse(text), hasEscapes: text.includes("\\u") }
}

const decodeText = (payload: Uint8Array): string => {
  try {
    return utf8.decode(payload)
  } catch {
    throw new DecodeError("not_utf8", "$", "the payload is not valid UTF-8: send JSON as UTF-8")
  }
}

const parse = (text: string): unknown => {
  try {
    return LONG_NUMBER.test(text) ? json.parse(text, keepDigits) : JSON.parse(text)
  } catch (error) {
    // The walk over long numbers goes down the document by calls; the parser itself takes any depth.
    if (error instanceof RangeError) throw new DecodeError("too_deep", "$", "is nested too deep: send flatter records")
    throw new DecodeError("malformed_json", "$", `the payload is no JSON, it begins ${preview(text.slice(0, 40))}`)
  }
}
