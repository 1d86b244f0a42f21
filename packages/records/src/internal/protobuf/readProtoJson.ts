/**
 * Reads the JSON form of a protobuf message into the object that its generated code makes of bytes. The rules are
 * OTLP's: both forms of a field's name, integers of 64 bits as text or number, enumerations as number or name, ids in
 * hexadecimal, other bytes in base64, unknown fields passed over.
 */
import { DecodeError, type DecodeReason } from "../../DecodeError.ts"
import { textProblem } from "../findUnstorable.ts"
import { isRawNumber, type ParsedJson } from "../parseJson.ts"
import { jsonPath, preview } from "../preview.ts"
import { MESSAGE_LEVELS_MAX } from "./checkWire.ts"
import type { FieldShape, FieldType, MessageShape } from "./MessageShape.ts"

/** Fields that OTLP writes in hexadecimal. */
const IDS: ReadonlySet<string> = new Set(["traceId", "spanId", "parentSpanId"])

const RANGES: Partial<Readonly<Record<FieldType, readonly [min: bigint, max: bigint]>>> = {
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  sfixed64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  fixed64: [0n, 2n ** 64n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  fixed32: [0n, 2n ** 32n - 1n],
  sint32: [-(2n ** 31n), 2n ** 31n - 1n]
}

const WIDE: ReadonlySet<FieldType> = new Set(["int64", "sfixed64", "uint64", "fixed64"])

const INTEGER = /^-?\d{1,20}$/
const HEX = /^(?:[0-9a-f]{2})*$/i
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/

/** What a field is that nobody sent. */
const unsetValue = (field: FieldShape): unknown => {
  if (field.repeated) return []
  if (field.optional || field.type === "message") return undefined
  if (field.type === "string") return ""
  if (field.type === "bool") return false
  if (field.type === "bytes") return new Uint8Array(0)
  return WIDE.has(field.type) ? 0n : 0
}

class ProtoJsonReader {
  readonly #keys: Array<string | number> = []
  readonly #checkTexts: boolean
  #levels = 0

  constructor(checkTexts: boolean) {
    this.#checkTexts = checkTexts
  }

  message(shape: MessageShape, json: unknown): object {
    if (typeof json !== "object" || json === null || Array.isArray(json)) {
      return this.#fail("not_an_object", `${preview(json)} is no JSON object: send one`)
    }
    this.#levels += 1
    if (this.#levels > MESSAGE_LEVELS_MAX) {
      this.#fail("too_deep", `is nested deeper than ${MESSAGE_LEVELS_MAX} messages: send flatter values`)
    }
    const message: Record<string, unknown> = {}
    for (const field of shape.fields) message[field.oneof ?? field.name] ??= field.oneof ? undefined : unsetValue(field)
    for (const [key, value] of Object.entries(json)) {
      const field = shape.byName.get(key)
      if (field === undefined || value === null) continue
      this.#keys.push(key)
      this.#set(message, field, value)
      this.#keys.pop()
    }
    this.#levels -= 1
    return message
  }

  #set(message: Record<string, unknown>, field: FieldShape, json: unknown): void {
    if (field.oneof === undefined) {
      message[field.name] = field.repeated ? this.#list(field, json) : this.#value(field, json)
      return
    }
    if (message[field.oneof] !== undefined) this.#fail("invalid_field", `is a second ${field.oneof}: send only one`)
    message[field.oneof] = { $case: field.name, value: this.#value(field, json) }
  }

  #list(field: FieldShape, json: unknown): ReadonlyArray<unknown> {
    if (!Array.isArray(json)) return this.#fail("invalid_field", `${preview(json)} is no array: send one`)
    return json.map((value, index) => {
      this.#keys.push(index)
      const read = this.#value(field, value)
      this.#keys.pop()
      return read
    })
  }

  #value(field: FieldShape, json: unknown): unknown {
    if (field.message !== undefined) return this.message(field.message, json)
    switch (field.type) {
      case "string":
        return this.#text(json)
      case "bool":
        return typeof json === "boolean" ? json : this.#fail("invalid_field", `${preview(json)} is no true or false`)
      case "bytes":
        return this.#bytes(field, json)
      case "double":
        return this.#double(json)
      case "enum":
        return this.#enumeration(field, json)
      default:
        return this.#integer(field.type, json)
    }
  }

  #text(json: unknown): string {
    if (typeof json !== "string") return this.#fail("invalid_field", `${preview(json)} is no text: send a JSON string`)
    const problem = this.#checkTexts ? textProblem(json) : undefined
    return problem === undefined ? json : this.#fail("unstorable_text", problem)
  }

  #bytes(field: FieldShape, json: unknown): Uint8Array {
    const isId = IDS.has(field.name)
    if (typeof json !== "string" || !(isId ? HEX : BASE64).test(json)) {
      return this.#fail("invalid_field", `${preview(json)} is no ${isId ? "hexadecimal" : "base64"} text: send one`)
    }
    return Buffer.from(json, isId ? "hex" : "base64")
  }

  #double(json: unknown): number {
    if (isRawNumber(json)) return Number(json.rawJSON)
    if (json === "NaN" || json === "Infinity" || json === "-Infinity") return Number(json)
    const value = typeof json === "string" && json.trim() !== "" ? Number(json) : json
    if (typeof value === "number" && Number.isFinite(value)) return value
    return this.#fail("invalid_field", `${preview(json)} is no number of a double: send one`)
  }

  #enumeration(field: FieldShape, json: unknown): number {
    const named = typeof json === "string" && field.values !== undefined && Object.hasOwn(field.values, json)
    if (named) return field.values[json] ?? 0
    if (typeof json === "number" && Number.isInteger(json) && json === (json | 0)) return json
    return this.#fail("invalid_field", `${preview(json)} is no value of this enumeration: send its number`)
  }

  #integer(type: FieldType, json: unknown): number | bigint {
    const text = isRawNumber(json)
      ? json.rawJSON
      : typeof json === "number" || typeof json === "string"
        ? String(json)
        : ""
    const [min, max] = RANGES[type] ?? [0n, 0n]
    const value = INTEGER.test(text) ? BigInt(text) : undefined
    if (value === undefined || value < min || value > max) {
      return this.#fail(
        "invalid_field",
        `${preview(isRawNumber(json) ? text : json)} is no integer from ${min} to ${max}: send one`
      )
    }
    return WIDE.has(type) ? value : Number(value)
  }

  #fail(reason: DecodeReason, problem: string): never {
    throw new DecodeError(reason, jsonPath(this.#keys), problem)
  }
}

/** The message that `parsed` is the JSON of, with the type that generated code gives it. */
export const readProtoJson = <Message>(shape: MessageShape, { document, hasEscapes }: ParsedJson): Message =>
  new ProtoJsonReader(hasEscapes).message(shape, document) as Message
