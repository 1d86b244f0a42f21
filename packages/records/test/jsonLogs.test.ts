import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { type LogRow, logDecoder, logs } from "../src/index.ts"
import { decodeWith, received, refused, rowOf, rowsOf } from "./decoding.ts"

const gelf = {
  version: "1.1",
  host: "sw-7",
  short_message: "link down ge-0/0/3",
  timestamp: 1_768_400_000.25,
  level: 4,
  application_name: "lldpd",
  _remote_addr: "berlin:10.9.0.7"
}

const trap = {
  source: "10.9.0.8:50112",
  version: "V2C",
  community: "c0mm",
  varbinds: [
    { oid: "1.3.6.1.2.1.1.3.0", value: "Timeticks(5512)" },
    { oid: "1.3.6.1.6.3.1.1.4.1.0", value: "1.3.6.1.6.3.1.1.5.3" }
  ]
}

const row = (payload: unknown, subject?: string): LogRow => rowOf(logDecoder, logs, payload, subject)
const attributes = (payload: unknown) => JSON.parse(row(payload).attributes ?? "null")

describe("logDecoder, JSON", () => {
  describe("GELF", () => {
    it("fills the columns and keeps the other fields as attributes", () => {
      const decoded = row(gelf)
      assert.strictEqual(decoded.timestamp.toISOString(), "2026-01-14T14:13:20.250Z")
      assert.strictEqual(decoded.body, gelf.short_message)
      assert.strictEqual(decoded.service_name, "sw-7")
      assert.strictEqual(decoded.severity_text, "WARN")
      assert.strictEqual(decoded.severity_number, 15)
      const { version, host, level, application_name, _remote_addr } = gelf
      assert.deepStrictEqual(JSON.parse(decoded.attributes ?? ""), {
        version,
        host,
        level,
        application_name,
        _remote_addr
      })
    })

    it.each([
      [0, "FATAL", 23],
      [2, "FATAL", 23],
      [3, "ERROR", 19],
      [4, "WARN", 15],
      [5, "INFO", 11],
      [6, "INFO", 11],
      [7, "DEBUG", 7],
      ["7", "DEBUG", 7],
      [8, "INFO", 11],
      ["Very High", "FATAL", 23],
      ["high", "ERROR", 19],
      ["medium", "WARN", 15],
      ["Low", "INFO", 11],
      ["trace", "DEBUG", 7],
      ["?", "INFO", 11]
    ])("reads level %s as %s", (level, text, number) => {
      const { severity_text, severity_number } = row({ ...gelf, level })
      assert.deepStrictEqual([severity_text, severity_number], [text, number])
      assert.strictEqual(attributes({ ...gelf, level }).level, level)
    })
  })

  describe("other records", () => {
    it("reads the names that publishers use for a message, in order", () => {
      for (const name of ["message", "msg", "body", "event", "log", "summary"]) {
        assert.strictEqual(row({ [name]: "hello", time: 0 }).body, "hello")
      }
      assert.strictEqual(row({ msg: "second", message: "first" }).body, "first")
      assert.strictEqual(attributes({ msg: "second", message: "first" }).msg, "second")
    })

    it("takes the subject where there is no message, and the time of receipt where there is none", () => {
      const decoded = row({ a: 1 }, "acme.logs.internal.audit.processed")
      assert.strictEqual(decoded.body, "acme.logs.internal.audit.processed")
      assert.strictEqual(decoded.timestamp, received)
    })

    it("keeps what rules make of OTLP records", () => {
      const [first, second] = rowsOf(logDecoder, logs, [
        {
          timestamp: "2026-01-14T10:00:00Z",
          severity_number: 9,
          severity_text: "Info",
          resource: { "service.name": "shop", "service.version": "1.2" },
          scope: "cart",
          body: "paid",
          attributes: { "http.status_code": 200 },
          trace_id: "aa01",
          span_id: "b2"
        },
        { body: { code: 7 }, severity_number: 17, attributes: { a: 1 }, a: 2 }
      ])
      assert.deepInclude(first, {
        body: "paid",
        body_is_json: false,
        severity_text: "Info",
        severity_number: 9,
        service_name: "shop",
        service_version: "1.2",
        scope_name: "cart",
        trace_id: "aa01",
        span_id: "b2",
        attributes: '{"http.status_code":200}',
        resource_attributes: '{"service.name":"shop","service.version":"1.2"}'
      })
      assert.deepInclude(second, {
        body: '{"code":7}',
        body_is_json: true,
        severity_text: "ERROR",
        severity_number: 17,
        // Merged, one `a` would hide the other.
        attributes: '{"attributes":{"a":1},"a":2}'
      })
    })

    it("keeps the digits of integers beyond 2^53, and nanoseconds", () => {
      const decoded = row('{"message":"m","time":1768400000250000123,"id":9007199254740993}')
      assert.strictEqual(decoded.time_unix_nano, 1_768_400_000_250_000_123n)
      assert.strictEqual(decoded.timestamp.toISOString(), "2026-01-14T14:13:20.250Z")
      assert.strictEqual(decoded.attributes, '{"id":9007199254740993}')
    })

    it("loses no field of any record", () => {
      const name = fc.string({ minLength: 1 }).filter((key) => !["community", "varbinds"].includes(key))
      const value = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.dictionary(name, fc.integer()))
      fc.assert(
        fc.property(fc.dictionary(name, value, { minKeys: 1 }), (record) => {
          const { error, rows } = decodeWith(logDecoder, record)
          if (error !== undefined) return assert.include(["invalid_field", "unstorable_text"], error.reason)
          const decoded = rows[0]?.row as LogRow
          const kept = JSON.stringify(decoded, (_, one) => (typeof one === "bigint" ? String(one) : one))
          for (const key of Object.keys(record)) {
            const isColumn = ["message", "time", "ts", "msg", "body", "log", "event"].includes(key)
            if (!isColumn) assert.property(JSON.parse(decoded.attributes ?? "{}"), key, kept)
          }
        })
      )
    })
  })

  describe("SNMP traps", () => {
    it("names the trap and its sender, and keeps the varbinds", () => {
      const decoded = row(trap, "acme.logs.snmp.processed")
      assert.strictEqual(decoded.body, 'SNMP trap "1.3.6.1.6.3.1.1.5.3" from "10.9.0.8:50112"')
      assert.strictEqual(decoded.service_name, "10.9.0.8")
      assert.deepStrictEqual(JSON.parse(decoded.attributes ?? "").varbinds, trap.varbinds)
      assert.strictEqual(JSON.parse(decoded.attributes ?? "").version, "V2C")
    })

    it("stores no community", () => {
      assert.notInclude(
        JSON.stringify(row(trap), (_, one) => String(one)),
        "c0mm"
      )
      assert.notInclude(row(trap).attributes, "c0mm")
      assert.notProperty(attributes({ ...trap, attributes: { a: 1 } }), "community")
    })

    it("takes the message and the severity that rules gave it", () => {
      const decoded = row({ ...trap, message: "link down", severity: "high" })
      assert.deepInclude(decoded, { body: "link down", severity_text: "ERROR", severity_number: 19 })
    })
  })

  describe("what is no record", () => {
    it("says what and where", () => {
      refused(logDecoder, "[1]", "not_an_object", "$[0]")
      refused(logDecoder, '{"a":', "malformed_json", "$")
      refused(logDecoder, [gelf, { ...gelf, timestamp: "soon" }], "invalid_field", "$[1].timestamp")
      refused(logDecoder, [gelf, { ...gelf, host: "a\u0000" }], "unstorable_text", "$[1].host")
      refused(logDecoder, { ...gelf, x: [{ "a b": "\ud800" }] }, "unstorable_text", '$.x[0]["a b"]')
      refused(logDecoder, { "a\u0000": 1 }, "unstorable_text", '$["a\\u0000"]')
      refused(logDecoder, '{"a":1e999}', "unstorable_number", "$.a")
      refused(logDecoder, `{"a":${"[".repeat(70)}${"]".repeat(70)}}`, "too_deep", "$")
      refused(logDecoder, `{"a":${"[".repeat(1e5)}1234567890123456789${"]".repeat(1e5)}}`, "too_deep", "$")
      refused(logDecoder, `{"a":"${"x".repeat(1_048_576)}"}`, "too_large", "$")
    })

    it("gives no row of an empty array", () => {
      assert.deepStrictEqual(rowsOf(logDecoder, logs, "[]"), [])
    })
  })
})
