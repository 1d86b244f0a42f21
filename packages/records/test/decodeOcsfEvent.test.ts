import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import {
  DECODE_REASONS,
  DecodeError,
  type DecodeReason,
  decodeOcsfEvent,
  NESTING_LEVELS_MAX,
  type OcsfEventRow,
  PAYLOAD_BYTES_MAX
} from "../src/index.ts"
import { bytes, event } from "./payloads.ts"

const now = new Date("2026-02-01T00:00:00Z")
const decode = (value: unknown) => decodeOcsfEvent(bytes(value), { now })

const row = (value: unknown): OcsfEventRow => {
  const decoded = decode(value)
  if (decoded instanceof DecodeError) throw decoded
  return decoded
}

const refused = (value: unknown, reason: DecodeReason, path = "$"): DecodeError => {
  const decoded = decode(value)
  if (!(decoded instanceof DecodeError)) throw new Error(`accepted: ${decoded.raw_data}`)
  assert.strictEqual(decoded.reason, reason, decoded.message)
  assert.strictEqual(decoded.path, path)
  return decoded
}

const nested = (levels: number): unknown => {
  let value: unknown = 1
  for (let level = 0; level < levels; level++) value = { a: value }
  return value
}

describe("decodeOcsfEvent", () => {
  describe("a complete event", () => {
    it("fills the columns and keeps JSON columns as text", () => {
      const decoded = row(event)
      assert.strictEqual(decoded.id, event.id)
      assert.strictEqual(decoded.time.toISOString(), "2026-01-14T10:00:00.000Z")
      assert.strictEqual(decoded.type_uid, 100801)
      assert.strictEqual(decoded.message, event.message)
      assert.strictEqual(decoded.metadata, JSON.stringify(event.metadata))
      assert.strictEqual(decoded.observables, JSON.stringify(event.observables))
      assert.isNull(decoded.status_id)
      assert.isNull(decoded.actor)
    })

    it("has no field that belongs to the subject or the table", () => {
      assert.notProperty(row(event), "tenant_id")
      assert.notProperty(row(event), "created_at")
    })
  })

  describe("defaults", () => {
    it("takes the time of receipt when the event names none", () => {
      for (const time of [undefined, null, "", "0001-01-01T00:00:00Z"]) {
        assert.strictEqual(row({ ...event, time }).time, now)
      }
    })

    it("stores a missing or zero severity_id as 1", () => {
      assert.strictEqual(row({ ...event, severity_id: 0 }).severity_id, 1)
      assert.strictEqual(row({ ...event, severity_id: undefined }).severity_id, 1)
    })

    it("keeps the whole payload as raw_data unless the publisher sends one", () => {
      assert.strictEqual(row(event).raw_data, JSON.stringify(event))
      assert.strictEqual(row({ ...event, raw_data: "" }).raw_data, JSON.stringify({ ...event, raw_data: "" }))
      assert.strictEqual(row({ ...event, raw_data: "<13>…" }).raw_data, "<13>…")
    })

    it("lower-cases the id", () => {
      assert.strictEqual(row({ ...event, id: event.id.toUpperCase() }).id, event.id)
    })
  })

  describe("required fields", () => {
    it("refuses an event without id", () => {
      refused({ ...event, id: undefined }, "missing_field", "$.id")
      refused({ ...event, id: "" }, "missing_field", "$.id")
    })

    it("refuses ids that are no UUID in its plain form", () => {
      for (const id of ["abc", `{${event.id}}`, event.id.replaceAll("-", ""), `${event.id}\n`, 7]) {
        refused({ ...event, id }, "invalid_field", "$.id")
      }
    })

    it.each(["class_uid", "category_uid", "type_uid", "activity_id"])("refuses an event without %s", (key) => {
      refused({ ...event, [key]: undefined }, "missing_field", `$.${key}`)
      refused({ ...event, [key]: null }, "missing_field", `$.${key}`)
      refused({ ...event, [key]: 0 }, "missing_field", `$.${key}`)
    })

    it("names the value, the limit and what to send", () => {
      assert.strictEqual(
        refused({ ...event, class_uid: 3e9 }, "invalid_field", "$.class_uid").message,
        '$.class_uid: "3000000000" is no integer from 0 to 2147483647: send one'
      )
    })
  })

  describe("times", () => {
    it.each([
      ["2026-01-14T10:00:00.25Z", "2026-01-14T10:00:00.250Z"],
      ["2026-01-14T10:00:00.123456789+02:00", "2026-01-14T08:00:00.123Z"],
      ["2026-01-14t10:00:00z", "2026-01-14T10:00:00.000Z"],
      ["2024-02-29T23:59:60Z", "2024-03-01T00:00:00.000Z"],
      [1_768_400_000, "2026-01-14T14:13:20.000Z"],
      [1_768_400_000.25, "2026-01-14T14:13:20.250Z"],
      [1_768_400_000_250, "2026-01-14T14:13:20.250Z"],
      [1_768_400_000_250_000, "2026-01-14T14:13:20.250Z"],
      [1_768_400_000_250_000_000, "2026-01-14T14:13:20.250Z"],
      [0, "1970-01-01T00:00:00.000Z"]
    ])("reads %s", (time, instant) => {
      assert.strictEqual(row({ ...event, time }).time.toISOString(), instant)
    })

    it.each([
      "yesterday",
      "2026-01-14",
      "2026-01-14T10:00:00",
      "2026-02-29T10:00:00Z",
      "2026-13-01T10:00:00Z",
      "2026-01-14T24:00:00Z",
      "1969-12-31T23:59:59Z",
      "1970-01-01T00:00:00+01:00",
      -1,
      9.99e11,
      1e300,
      true,
      {}
    ])("refuses %s", (time) => {
      refused({ ...event, time }, "invalid_field", "$.time")
    })

    it("gives, for any RFC 3339 text from 1970 on, the instant that JavaScript reads", () => {
      const instants = fc.date({ min: new Date(0), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true })
      fc.assert(
        fc.property(instants, (instant) => {
          assert.strictEqual(row({ ...event, time: instant.toISOString() }).time.getTime(), instant.getTime())
        })
      )
    })

    it("always gives an instant from 1970 to 9999, whatever the number", () => {
      fc.assert(
        fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (time) => {
          const decoded = decode({ ...event, time })
          if (decoded instanceof DecodeError) return
          const year = decoded.time.getUTCFullYear()
          assert.isTrue(year >= 1970 && year <= 9999)
        })
      )
    })
  })

  describe("payloads that are no event", () => {
    it("refuses what is not JSON, not UTF-8, or not an object", () => {
      refused("", "malformed_json")
      refused("{", "malformed_json")
      refused('{"id":"a\u0000b"}', "malformed_json")
      refused("[]", "not_an_object")
      refused("null", "not_an_object")
      refused("7", "not_an_object")
      const latin1 = decodeOcsfEvent(Uint8Array.of(0x22, 0xe9, 0x22), { now })
      assert.strictEqual(latin1 instanceof DecodeError && latin1.reason, "not_utf8")
    })

    it(`refuses a payload over ${PAYLOAD_BYTES_MAX} bytes and takes one of that size`, () => {
      const room = PAYLOAD_BYTES_MAX - bytes({ ...event, message: "" }).byteLength
      row({ ...event, message: "x".repeat(room) })
      refused({ ...event, message: "x".repeat(room + 1) }, "too_large")
    })
  })

  describe("values that PostgreSQL refuses", () => {
    it.each(["message", "severity", "log_name", "trace_id", "raw_data"])("refuses NUL in %s", (key) => {
      refused({ ...event, [key]: "a\u0000b" }, "unstorable_text", `$.${key}`)
    })

    it("refuses NUL in JSON values and keys, and says where", () => {
      refused({ ...event, unmapped: { a: [0, { "b.c": "\u0000" }] } }, "unstorable_text", '$.unmapped.a[1]["b.c"]')
      refused({ ...event, metadata: { "\u0000": 1 } }, "unstorable_text", '$.metadata["\\u0000"]')
    })

    it("refuses half a surrogate pair, and takes a whole one", () => {
      refused(JSON.stringify(event).replace("gateway gw-3", "\\ud83d"), "unstorable_text", "$.message")
      refused({ ...event, device: { name: "\udc00" } }, "unstorable_text", "$.device.name")
      assert.strictEqual(row(JSON.stringify(event).replace("gateway gw-3", "\\ud83d\\ude00")).message, "😀 went down")
    })

    it("takes the six characters \\u0000 that an escaped backslash makes", () => {
      assert.strictEqual(row({ ...event, message: "\\u0000" }).message, "\\u0000")
    })

    it("refuses numbers beyond a double instead of storing null", () => {
      const text = JSON.stringify({ ...event, device: { n: 1 } }).replace('{"n":1}', '{"n":1e400}')
      refused(text, "unstorable_number", "$.device.n")
    })

    it("refuses integers that fit no column", () => {
      for (const value of [2_147_483_648, -1, 1.5, "5", true]) {
        refused({ ...event, status_id: value }, "invalid_field", "$.status_id")
      }
      refused(JSON.stringify(event).replace("1008", "1e400"), "invalid_field", "$.class_uid")
    })

    it(`takes ${NESTING_LEVELS_MAX} levels and refuses one more`, () => {
      row({ ...event, unmapped: nested(NESTING_LEVELS_MAX) })
      refused({ ...event, unmapped: nested(NESTING_LEVELS_MAX + 1) }, "too_deep", "$.unmapped")
    })

    it("survives 100000 levels, in a column and beside the columns", () => {
      const deep = `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`
      refused(`${JSON.stringify({ ...event, unmapped: 0 }).slice(0, -1)},"unmapped":${deep}}`, "too_deep", "$.unmapped")
      row(`${JSON.stringify(event).slice(0, -1)},"extra":${deep}}`)
      refused("[".repeat(500_000), "malformed_json")
    })
  })

  describe("keys with a meaning to JavaScript", () => {
    it("stores __proto__ as data and reads no field from it", () => {
      const text = '{"__proto__":{"id":"0d1fa1b2-0000-4000-8000-000000000001","class_uid":1},"constructor":1}'
      refused(text, "missing_field", "$.id")
      const decoded = row(JSON.stringify(event).replace('"gateway_id":"gw-3"', '"__proto__":{"polluted":true}'))
      assert.include(decoded.unmapped ?? "", '"__proto__":{"polluted":true}')
      assert.notProperty({}, "polluted")
    })
  })

  describe("wrong types", () => {
    it("refuses a text that is no text, an object that is none, an array that is none", () => {
      refused({ ...event, message: 7 }, "invalid_field", "$.message")
      refused({ ...event, metadata: [] }, "invalid_field", "$.metadata")
      refused({ ...event, metadata: "{}" }, "invalid_field", "$.metadata")
      refused({ ...event, observables: {} }, "invalid_field", "$.observables")
    })
  })

  describe("any input", () => {
    it("gives a row or a DecodeError whose message is one short storable line", () => {
      const anything = fc.oneof(
        fc.uint8Array(),
        fc.json().map(bytes),
        fc
          .record(
            Object.fromEntries(
              Object.keys(event).map((key) => [
                key,
                fc.oneof(fc.constant(event[key as keyof typeof event]), fc.jsonValue())
              ])
            )
          )
          .map(bytes)
      )
      fc.assert(
        fc.property(anything, (payload) => {
          const decoded = decodeOcsfEvent(payload, { now })
          if (!(decoded instanceof DecodeError)) return
          assert.include(DECODE_REASONS, decoded.reason)
          assert.isBelow(decoded.message.length, 1_000)
          assert.isTrue(decoded.message.isWellFormed())
          assert.notMatch(decoded.message, /\p{Cc}/u)
        }),
        { numRuns: 2_000 }
      )
    })

    it("keeps every JSON column as the publisher meant it", () => {
      fc.assert(
        fc.property(fc.dictionary(fc.string({ unit: "grapheme" }), fc.jsonValue({ maxDepth: 5 })), (unmapped) => {
          const decoded = decode({ ...event, unmapped })
          if (decoded instanceof DecodeError) return assert.strictEqual(decoded.reason, "unstorable_text")
          assert.deepStrictEqual(JSON.parse(decoded.unmapped ?? ""), JSON.parse(JSON.stringify(unmapped)))
        })
      )
    })
  })
})
