/**
 * Messages that can never become a row, one kind or more for each reason that core gives.
 */
import { encode, type eventOf } from "./events.ts"

type Fields = ReturnType<typeof eventOf>

export interface PoisonKind {
  readonly name: string
  /** The reason that must stand in the dead letter. */
  readonly reason: string
  /** Makes the payload from the fields of a valid event. */
  readonly payload: (event: Fields) => Uint8Array
}

/** A tenant's table refuses this status: see `table/data.ts`. */
export const REFUSED_STATUS = "refused by the table"

const bytes = (text: string) => new TextEncoder().encode(text)

const nested = (levels: number): unknown => {
  let value: unknown = 1
  for (let level = 0; level < levels; level++) value = [value]
  return value
}

const kind = (reason: string, name: string, payload: PoisonKind["payload"]): PoisonKind => ({ reason, name, payload })

export const POISON: ReadonlyArray<PoisonKind> = [
  kind("too_large", "more than a mebibyte", (event) => encode({ ...event, raw_data: "x".repeat(1_048_577) })),
  kind("not_utf8", "bytes that are no UTF-8", () => Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d)),
  kind("malformed_json", "half a document", (event) => encode(event).slice(0, 40)),
  kind("malformed_json", "nothing at all", () => new Uint8Array()),
  kind("not_an_object", "a list", (event) => encode([event])),
  kind("too_deep", "metadata nested too deep", (event) => encode({ ...event, metadata: { deep: nested(200) } })),
  kind("missing_field", "an event without id", ({ id: _, ...event }) => encode(event)),
  kind("missing_field", "an event without class", ({ class_uid: _, ...event }) => encode(event)),
  kind("invalid_field", "an id that is no UUID", (event) => encode({ ...event, id: "seven" })),
  kind("invalid_field", "a severity that fits no integer", (event) => encode({ ...event, severity_id: 4e9 })),
  kind("unstorable_text", "a NUL in a text", (event) => encode({ ...event, message: "a\u0000b" })),
  kind("unstorable_text", "half a surrogate pair", (event) =>
    bytes(JSON.stringify({ ...event, message: "MARK" }).replace("MARK", "\\ud800"))
  ),
  kind("unstorable_number", "a number beyond a double", (event) =>
    bytes(JSON.stringify({ ...event, metadata: { size: "MARK" } }).replace('"MARK"', "1e999"))
  )
]

/** Decodes well, and PostgreSQL refuses it. */
export const REFUSED_ROW = kind("refused_by_database", "a row that a constraint forbids", (event) =>
  encode({ ...event, status: REFUSED_STATUS })
)
