/**
 * Turns the payload of an `events.ocsf.*` message into a row, or says why it never can be one. What it accepts,
 * PostgreSQL accepts: NUL, half surrogates, numbers that fit no column and bottomless nesting are found here, so that
 * one poisoned message never fails a batch of good ones.
 */
import { DecodeError, type DecodeReason } from "./DecodeError.ts"
import { findUnstorable, textProblem } from "./internal/findUnstorable.ts"
import { parseTime } from "./internal/parseTime.ts"
import { jsonPath, preview } from "./internal/preview.ts"
import type { JsonText, OcsfEventRow } from "./OcsfEventRow.ts"

/** The default payload limit of a NATS server; a larger message reaches us only where somebody raised it. */
export const PAYLOAD_BYTES_MAX = 1_048_576

/** Levels of nesting below a column. OCSF uses about six; PostgreSQL's parser gives up at a few thousand. */
export const NESTING_LEVELS_MAX = 64

const INT_MAX = 2_147_483_647

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

const utf8 = new TextDecoder("utf-8", { fatal: true })

/** What the decoder needs to know beside the payload. */
export interface DecodeContext {
  /** The time of an event that names none: when the stream received it. */
  readonly now: Date
}

/**
 * Decodes one OCSF event.
 *
 * **Shape**: a JSON object in UTF-8 with a UUID `id` and the integers `class_uid`, `category_uid`, `type_uid` and
 * `activity_id` from 1 to 2147483647. A missing `time` becomes `context.now`, a missing or zero `severity_id` becomes 1
 * and a missing `raw_data` the whole payload. Fields without a column, `tenant_id` among them, stay in `raw_data`: the
 * tenant of a message is its subject's.
 *
 * **Units**: at most `PAYLOAD_BYTES_MAX` bytes and `NESTING_LEVELS_MAX` levels inside a column; `time` as RFC 3339, or
 * a number of seconds, milliseconds (above 1e12), microseconds (above 1e15) or nanoseconds (above 1e18).
 *
 * **Fails**: never throws; a `DecodeError` is returned, and no retry helps.
 *
 * @stability stable
 */
export const decodeOcsfEvent = (payload: Uint8Array, context: DecodeContext): OcsfEventRow | DecodeError => {
  if (payload.byteLength > PAYLOAD_BYTES_MAX) {
    return new DecodeError(
      "too_large",
      "$",
      `${payload.byteLength} bytes exceed the limit of ${PAYLOAD_BYTES_MAX} bytes: send smaller events`
    )
  }
  try {
    return readRow(payload, context)
  } catch (error) {
    if (error instanceof DecodeError) return error
    throw error
  }
}

const readRow = (payload: Uint8Array, context: DecodeContext): OcsfEventRow => {
  const text = decodeText(payload)
  const event = parseObject(text)
  // Only an escape can bring a NUL or half a surrogate pair into text that was valid UTF-8 and valid JSON.
  const checkTexts = text.includes("\\u")
  return {
    id: readId(event),
    time: readTime(event, context),
    class_uid: readRequiredInt(event, "class_uid"),
    category_uid: readRequiredInt(event, "category_uid"),
    type_uid: readRequiredInt(event, "type_uid"),
    activity_id: readRequiredInt(event, "activity_id"),
    activity_name: readText(event, "activity_name", checkTexts),
    // The stack we stand beside stores an unset severity as 1, "informational"; dashboards compare both.
    severity_id: readInt(event, "severity_id") || 1,
    severity: readText(event, "severity", checkTexts),
    message: readText(event, "message", checkTexts),
    status_id: readInt(event, "status_id"),
    status: readText(event, "status", checkTexts),
    status_code: readText(event, "status_code", checkTexts),
    status_detail: readText(event, "status_detail", checkTexts),
    metadata: readJson(event, "metadata", "an object", checkTexts),
    observables: readJson(event, "observables", "an array", checkTexts),
    trace_id: readText(event, "trace_id", checkTexts),
    span_id: readText(event, "span_id", checkTexts),
    actor: readJson(event, "actor", "an object", checkTexts),
    device: readJson(event, "device", "an object", checkTexts),
    src_endpoint: readJson(event, "src_endpoint", "an object", checkTexts),
    dst_endpoint: readJson(event, "dst_endpoint", "an object", checkTexts),
    log_name: readText(event, "log_name", checkTexts),
    log_provider: readText(event, "log_provider", checkTexts),
    log_level: readText(event, "log_level", checkTexts),
    log_version: readText(event, "log_version", checkTexts),
    unmapped: readJson(event, "unmapped", "an object", checkTexts),
    raw_data: readText(event, "raw_data", checkTexts) || text
  }
}

type Fields = Readonly<Record<string, unknown>>

const fail = (reason: DecodeReason, key: string, problem: string): never => {
  throw new DecodeError(reason, jsonPath([key]), problem)
}

const decodeText = (payload: Uint8Array): string => {
  try {
    return utf8.decode(payload)
  } catch {
    throw new DecodeError("not_utf8", "$", "the payload is not valid UTF-8: send JSON as UTF-8")
  }
}

const parseObject = (text: string): Fields => {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    throw new DecodeError("malformed_json", "$", `the payload is no JSON, it begins ${preview(text.slice(0, 40))}`)
  }
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw new DecodeError("not_an_object", "$", `${preview(document)} is no JSON object: send one event per message`)
  }
  return document as Fields
}

/** The publisher's own value; never one that every object inherits. */
const field = (event: Fields, key: string): unknown => (Object.hasOwn(event, key) ? event[key] : undefined)

const readId = (event: Fields): string => {
  const value = field(event, "id")
  if (value === undefined || value === null || value === "") {
    return fail("missing_field", "id", "is missing: send the event's UUID")
  }
  if (typeof value !== "string" || !UUID.test(value)) {
    return fail("invalid_field", "id", `${preview(value)} is no UUID: send 8-4-4-4-12 hexadecimal digits`)
  }
  return value.toLowerCase()
}

const readTime = (event: Fields, context: DecodeContext): Date => {
  const value = field(event, "time")
  const time = parseTime(value)
  if (time === "unset") return context.now
  return (
    time ??
    fail("invalid_field", "time", `${preview(value)} is no time from 1970 to 9999: send RFC 3339 or a Unix time`)
  )
}

const readInt = (event: Fields, key: string): number | null => {
  const value = field(event, key)
  if (value === undefined || value === null) return null
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > INT_MAX) {
    return fail("invalid_field", key, `${preview(value)} is no integer from 0 to ${INT_MAX}: send one`)
  }
  // -0 is an integer to JavaScript.
  return value + 0
}

const readRequiredInt = (event: Fields, key: string): number =>
  readInt(event, key) || fail("missing_field", key, `is missing or 0: send an integer from 1 to ${INT_MAX}`)

const readText = (event: Fields, key: string, checkTexts: boolean): string | null => {
  const value = field(event, key)
  if (value === undefined || value === null) return null
  if (typeof value !== "string") {
    return fail("invalid_field", key, `${preview(value)} is no text: send a JSON string`)
  }
  const problem = checkTexts ? textProblem(value) : undefined
  return problem === undefined ? value : fail("unstorable_text", key, problem)
}

const readJson = (event: Fields, key: string, kind: "an object" | "an array", checkTexts: boolean): JsonText | null => {
  const value = field(event, key)
  if (value === undefined || value === null) return null
  if (typeof value !== "object" || Array.isArray(value) !== (kind === "an array")) {
    return fail("invalid_field", key, `${preview(value)} is not ${kind}: send ${kind}`)
  }
  const unstorable = findUnstorable(value, NESTING_LEVELS_MAX, checkTexts)
  if (unstorable === undefined) return JSON.stringify(value)
  if (unstorable.reason === "too_deep") {
    return fail("too_deep", key, `is nested deeper than ${NESTING_LEVELS_MAX} levels: send flatter events`)
  }
  throw new DecodeError(unstorable.reason, jsonPath([key, ...unstorable.keysReversed.reverse()]), unstorable.problem)
}
