/**
 * Reads the fields of one JSON record, and knows which are left. Each reading takes the names that publishers use for
 * one thing, and the first that is set counts.
 */
import { DecodeError, type DecodeReason } from "../DecodeError.ts"
import { NESTING_LEVELS_MAX } from "../decodeOcsfEvent.ts"
import type { JsonText } from "../OcsfEventRow.ts"
import { findUnstorable, textProblem } from "./findUnstorable.ts"
import { isRawNumber, type ParsedJson } from "./parseJson.ts"
import { parseTime } from "./parseTime.ts"
import { jsonPath, preview } from "./preview.ts"

type Fields = Readonly<Record<string, unknown>>
export type Path = ReadonlyArray<string | number>

/** Whether the value is an object with fields, and no array. */
export const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !isRawNumber(value)

export class JsonRecord {
  readonly #fields: Fields
  readonly #path: Path
  readonly #checkTexts: boolean
  readonly #taken = new Set<string>()

  constructor(fields: Fields, path: Path, checkTexts: boolean) {
    this.#fields = fields
    this.#path = path
    this.#checkTexts = checkTexts
  }

  /** The publisher's own value; never one that every object inherits. */
  value(name: string): unknown {
    return Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined
  }

  /** The first of the names that is set, to nothing empty. */
  nameOf(names: ReadonlyArray<string>): string | undefined {
    return names.find((name) => {
      const value = this.value(name)
      return value !== undefined && value !== null && value !== ""
    })
  }

  /** A field stands in a column of its own, and is none of the rest. */
  take(name: string): void {
    this.#taken.add(name)
  }

  /** The first of the names that is a text; what else stands under them stays with the rest. */
  textIfAny(...names: ReadonlyArray<string>): string | null {
    const name = names.find((one) => typeof this.value(one) === "string" && this.value(one) !== "")
    return name === undefined ? null : this.text(name)
  }

  /** A text; anything else is refused. */
  text(...names: ReadonlyArray<string>): string | null {
    const name = this.nameOf(names)
    if (name === undefined) return null
    const value = this.value(name)
    if (typeof value !== "string")
      return this.fail("invalid_field", name, `${preview(value)} is no text: send a JSON string`)
    this.take(name)
    return this.storable(name, value)
  }

  /** A text, for which a publisher may also send a number or true and false. */
  scalarText(...names: ReadonlyArray<string>): string | null {
    const name = this.nameOf(names)
    const value = name === undefined ? undefined : this.value(name)
    if (name === undefined || typeof value === "string") return this.text(...names)
    this.take(name)
    if (isRawNumber(value)) return value.rawJSON
    if (typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))) return String(value)
    return this.fail("invalid_field", name, `${preview(value)} is no text: send a JSON string`)
  }

  /** An integer, also one that came as text. */
  integer(min: number, max: number, ...names: ReadonlyArray<string>): number | null {
    const name = this.nameOf(names)
    if (name === undefined) return null
    const sent = this.value(name)
    const value = typeof sent === "string" && /^-?\d{1,16}$/.test(sent) ? Number(sent) : sent
    if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
      return this.fail("invalid_field", name, `${shown(sent)} is no integer from ${min} to ${max}: send one`)
    }
    this.take(name)
    return value + 0
  }

  /** An integer of a `bigint` column, which is never negative here. */
  bigint(...names: ReadonlyArray<string>): bigint | null {
    const name = this.nameOf(names)
    if (name === undefined) return null
    const sent = this.value(name)
    const text = isRawNumber(sent) ? sent.rawJSON : String(sent)
    const value = (typeof sent !== "object" || isRawNumber(sent)) && /^\d{1,19}$/.test(text) ? BigInt(text) : undefined
    if (value === undefined || value >= 2n ** 63n) {
      return this.fail("invalid_field", name, `${shown(sent)} is no integer from 0 to ${2n ** 63n - 1n}: send one`)
    }
    this.take(name)
    return value
  }

  number(...names: ReadonlyArray<string>): number | null {
    const name = this.nameOf(names)
    if (name === undefined) return null
    const sent = this.value(name)
    const value = isRawNumber(sent) ? Number(sent.rawJSON) : typeof sent === "string" ? Number(sent) : sent
    if (typeof value !== "number" || !Number.isFinite(value)) {
      return this.fail("invalid_field", name, `${shown(sent)} is no number of a double: send one`)
    }
    this.take(name)
    return value
  }

  bool(...names: ReadonlyArray<string>): boolean | null {
    const name = this.nameOf(names)
    if (name === undefined) return null
    const value = this.value(name)
    if (typeof value !== "boolean")
      return this.fail("invalid_field", name, `${preview(value)} is no true or false: send one`)
    this.take(name)
    return value
  }

  /** An instant, or null where no field is set. */
  time(...names: ReadonlyArray<string>): Date | null {
    const name = this.nameOf(names)
    if (name === undefined) return null
    const sent = this.value(name)
    const time = parseTime(isRawNumber(sent) ? Number(sent.rawJSON) : sent)
    if (time === undefined) {
      return this.fail(
        "invalid_field",
        name,
        `${shown(sent)} is no time from 1970 to 9999: send RFC 3339 or a Unix time`
      )
    }
    this.take(name)
    return time === "unset" ? null : time
  }

  /** An object or array as JSON text; null where the field is not set. */
  json(...names: ReadonlyArray<string>): JsonText | null {
    const name = this.nameOf(names)
    if (name === undefined) return null
    const value = this.value(name)
    if (typeof value !== "object" || isRawNumber(value)) {
      return this.fail("invalid_field", name, `${shown(value)} is no object or array: send one`)
    }
    this.take(name)
    return this.jsonText([name], value)
  }

  /** A record inside this one. */
  inner(name: string): JsonRecord | undefined {
    const value = this.value(name)
    return isObject(value) ? new JsonRecord(value, [...this.#path, name], this.#checkTexts) : undefined
  }

  /** Any value as JSON text that PostgreSQL takes. */
  jsonText(path: Path, value: unknown): JsonText {
    const unstorable = findUnstorable(value, NESTING_LEVELS_MAX, this.#checkTexts)
    if (unstorable === undefined) return JSON.stringify(value)
    const at = jsonPath([...this.#path, ...path, ...unstorable.keysReversed.reverse()])
    if (unstorable.reason !== "too_deep") throw new DecodeError(unstorable.reason, at, unstorable.problem)
    // The whole way down is no help.
    const top = jsonPath([...this.#path, ...path].slice(0, PATH_SHOWN_MAX))
    throw new DecodeError("too_deep", top, `is nested deeper than ${NESTING_LEVELS_MAX} levels: send flatter records`)
  }

  /** The fields that no column of their own took. */
  rest(): ReadonlyArray<readonly [name: string, value: unknown]> {
    return Object.entries(this.#fields).filter(([name]) => !this.#taken.has(name))
  }

  /** The same as JSON text; null where there are none. */
  restJson(): JsonText | null {
    const rest = this.rest()
    return rest.length === 0 ? null : this.jsonText([], Object.fromEntries(rest))
  }

  /**
   * The same, merged with the object under `name`; apart from it where merging would overwrite a key. Null where there
   * is nothing.
   */
  mergedJson(name: string): JsonText | null {
    const own = this.value(name)
    const rest = this.rest().filter(([key]) => key !== name)
    if (!isObject(own) || rest.some(([key]) => Object.hasOwn(own, key))) return this.restJson()
    this.take(name)
    const [inside, beside] = [this.jsonText([name], own), this.restJson()]
    if (beside === null) return inside === "{}" ? null : inside
    return inside === "{}" ? beside : `${inside.slice(0, -1)},${beside.slice(1)}`
  }

  /** The text, which a column can take. */
  storable(name: string, text: string): string {
    const problem = this.#checkTexts ? textProblem(text) : undefined
    return problem === undefined ? text : this.fail("unstorable_text", name, problem)
  }

  fail(reason: DecodeReason, name: string, problem: string): never {
    throw new DecodeError(reason, jsonPath([...this.#path, name]), problem)
  }
}

const PATH_SHOWN_MAX = 4

const shown = (value: unknown): string => preview(isRawNumber(value) ? value.rawJSON : value)

/** The records of a document that is one or an array of them. Throws a `DecodeError` at the one that is no object. */
export const jsonRecords = ({ document, hasEscapes }: ParsedJson): ReadonlyArray<JsonRecord> => {
  const one = (value: unknown, path: Path): JsonRecord => {
    if (isObject(value)) return new JsonRecord(value, path, hasEscapes)
    throw new DecodeError("not_an_object", jsonPath(path), `${shown(value)} is no JSON object: send records as objects`)
  }
  return Array.isArray(document) ? document.map((value, index) => one(value, [index])) : [one(document, [])]
}
