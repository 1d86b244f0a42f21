/**
 * OTLP's times, nanoseconds since 1970, and its ids.
 */
import { DecodeError } from "../DecodeError.ts"

const NANOS_PER_MS = 1_000_000n
const INT64_MAX = 2n ** 63n - 1n

/** An unsigned number that a `bigint` column takes; the field stands in the error. */
export const int64 = (value: bigint, field: string): bigint => {
  if (value <= INT64_MAX) return value
  throw new DecodeError("invalid_field", `$..${field}`, `"${value}" is beyond ${INT64_MAX}, the largest of a column`)
}

/** The time in nanoseconds, null where it is not set; the field stands in the error. */
export const nanos = (value: bigint, field: string): bigint | null => (value === 0n ? null : int64(value, field))

/** The same to the millisecond. */
export const instant = (value: bigint): Date => new Date(Number(value / NANOS_PER_MS))

/** An id in hexadecimal; null where there is none. */
export const hexId = (id: Uint8Array): string | null =>
  id.byteLength === 0 ? null : Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString("hex")
