/**
 * OTLP's values as JSON text. It is written out directly, so that integers of 64 bits keep their digits.
 */
import type { AnyValue, KeyValue } from "../generated/common.ts"
import type { JsonText } from "../OcsfEventRow.ts"

/** As JSON has no such numbers, they become texts, as in protobuf's own JSON. */
export const doubleJson = (value: number): JsonText => (Number.isFinite(value) ? String(value) : `"${value}"`)

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64")

/** A value; `null` where none is set. */
export const anyValueJson = (any: AnyValue | undefined): JsonText => {
  const value = any?.value
  switch (value?.$case) {
    case undefined:
      return "null"
    case "stringValue":
      return JSON.stringify(value.value)
    case "boolValue":
    case "intValue":
      return String(value.value)
    case "doubleValue":
      return doubleJson(value.value)
    case "bytesValue":
      return `"${base64(value.value)}"`
    case "arrayValue":
      return `[${value.value.values.map(anyValueJson).join()}]`
    case "kvlistValue":
      return objectJson(value.value.values)
  }
}

const objectJson = (pairs: ReadonlyArray<KeyValue>): JsonText => {
  let text = ""
  for (const { key, value } of pairs) text += `${text === "" ? "{" : ","}${JSON.stringify(key)}:${anyValueJson(value)}`
  return text === "" ? "{}" : `${text}}`
}

/** Attributes as an object; null where there are none. Of a key that comes twice, `jsonb` keeps the last value. */
export const attributesJson = (pairs: ReadonlyArray<KeyValue>): JsonText | null =>
  pairs.length === 0 ? null : objectJson(pairs)

/** The text that stands under `key`. */
export const textAttribute = (pairs: ReadonlyArray<KeyValue>, key: string): string | null => {
  for (const pair of pairs) {
    if (pair.key === key && pair.value?.value?.$case === "stringValue") return pair.value.value.value || null
  }
  return null
}
