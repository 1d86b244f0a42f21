import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import type { AnyValue, KeyValue } from "../src/generated/common.ts"
import { LogsData } from "../src/generated/logs.ts"
import { logDecoder, logs } from "../src/index.ts"
import { decodeWith, received, refused, rowOf, rowsOf } from "./decoding.ts"
import { attribute, logRecord, logRequest, text } from "./otlp.ts"

const encode = (data: LogsData): Uint8Array => LogsData.encode(data).finish()

describe("logDecoder, OTLP", () => {
  it("fills every column", () => {
    const record = logRecord({
      timeUnixNano: 1_768_400_000_250_000_123n,
      observedTimeUnixNano: 1_768_400_001_000_000_000n,
      severityNumber: 17,
      severityText: "Error",
      body: text("card refused"),
      attributes: [attribute("order", { $case: "intValue", value: 9_007_199_254_740_993n })],
      droppedAttributesCount: 2,
      flags: 1,
      traceId: new Uint8Array(16).fill(0xab),
      spanId: new Uint8Array(8).fill(1),
      eventName: "payment"
    })
    assert.deepStrictEqual(rowOf(logDecoder, logs, encode(logRequest([record]))), {
      timestamp: new Date("2026-01-14T14:13:20.250Z"),
      time_unix_nano: 1_768_400_000_250_000_123n,
      observed_timestamp: new Date("2026-01-14T14:13:21.000Z"),
      trace_id: "ab".repeat(16),
      span_id: "01".repeat(8),
      trace_flags: 1,
      severity_text: "Error",
      severity_number: 17,
      event_name: "payment",
      body: "card refused",
      body_is_json: false,
      attributes: '{"order":9007199254740993}',
      dropped_attributes_count: 2,
      service_name: "shop",
      service_version: "1.2",
      service_instance: null,
      scope_name: "cart",
      scope_version: "0.1",
      scope_attributes: '{"s":true}',
      resource_attributes: '{"service.name":"shop","service.version":"1.2"}',
      otlp_details: '{"resource_schema_url":"https://a","scope_dropped_attributes_count":3}'
    })
  })

  it("leaves null what is not set, and takes the time of observation or of receipt", () => {
    const [bare, observed] = rowsOf(
      logDecoder,
      logs,
      encode({
        resourceLogs: [
          {
            resource: undefined,
            schemaUrl: "",
            scopeLogs: [
              {
                scope: undefined,
                schemaUrl: "",
                logRecords: [logRecord({}), logRecord({ observedTimeUnixNano: 1_000_000n })]
              }
            ]
          }
        ]
      })
    )
    assert.strictEqual(bare?.timestamp, received)
    assert.deepInclude(bare, {
      body: null,
      service_name: null,
      attributes: null,
      severity_number: null,
      trace_id: null
    })
    assert.strictEqual(observed?.timestamp.getTime(), 1)
  })

  it("keeps values of every kind, also as a body", () => {
    const values: ReadonlyArray<readonly [AnyValue["value"], string]> = [
      [{ $case: "boolValue", value: false }, "false"],
      [{ $case: "intValue", value: 0n }, "0"],
      [{ $case: "intValue", value: -(2n ** 63n) }, "-9223372036854775808"],
      [{ $case: "doubleValue", value: 0.5 }, "0.5"],
      [{ $case: "doubleValue", value: Number.NaN }, '"NaN"'],
      [{ $case: "doubleValue", value: Number.NEGATIVE_INFINITY }, '"-Infinity"'],
      [{ $case: "bytesValue", value: Uint8Array.of(1, 2, 255) }, '"AQL/"'],
      [{ $case: "arrayValue", value: { values: [text("a"), { value: undefined }] } }, '["a",null]'],
      [
        { $case: "kvlistValue", value: { values: [attribute("__proto__", { $case: "boolValue", value: true })] } },
        '{"__proto__":true}'
      ]
    ]
    for (const [value, json] of values) {
      const record = logRecord({ body: { value }, attributes: [{ key: 'a"b', value: { value } }] })
      const decoded = rowOf(logDecoder, logs, encode(logRequest([record])))
      assert.deepInclude(decoded, { body: json, body_is_json: true, attributes: `{"a\\"b":${json}}` })
    }
  })

  it("reads the JSON form to the same rows", () => {
    const json = {
      resourceLogs: [
        {
          resource: { attributes: [{ key: "service.name", value: { stringValue: "shop" } }] },
          scopeLogs: [
            {
              log_records: [
                {
                  timeUnixNano: "1768400000250000123",
                  severityNumber: "SEVERITY_NUMBER_ERROR",
                  body: { kvlistValue: { values: [{ key: "n", value: { intValue: "9007199254740993" } }] } },
                  traceId: "ABABABABABABABABABABABABABABABAB",
                  newerField: [{}]
                }
              ]
            }
          ]
        }
      ]
    }
    assert.deepInclude(rowOf(logDecoder, logs, ` \n${JSON.stringify(json)}`), {
      time_unix_nano: 1_768_400_000_250_000_123n,
      severity_number: 17,
      body: '{"n":9007199254740993}',
      trace_id: "ab".repeat(16),
      service_name: "shop"
    })
  })

  it("takes any request that it encodes, field by field", () => {
    const value: fc.Arbitrary<AnyValue> = fc.letrec<{ value: AnyValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constant({ value: undefined }),
        fc.string({ unit: "grapheme" }).map((one) => text(one.replaceAll("\u0000", ""))),
        fc
          .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
          .map((one): AnyValue => ({ value: { $case: "intValue", value: one } })),
        fc
          .double({ noNaN: true, noDefaultInfinity: true })
          .map((one): AnyValue => ({ value: { $case: "doubleValue", value: one } })),
        fc
          .array(tie("value"), { maxLength: 3 })
          .map((values): AnyValue => ({ value: { $case: "arrayValue", value: { values } } })),
        fc.array(tie("value"), { maxLength: 3 }).map(
          (values): AnyValue => ({
            value: {
              $case: "kvlistValue",
              value: { values: values.map((one, index) => ({ key: `k${index}`, value: one })) }
            }
          })
        )
      )
    })).value
    const plain = ({ value: one }: AnyValue): unknown => {
      if (one === undefined) return null
      if (one.$case === "arrayValue") return one.value.values.map(plain)
      if (one.$case === "kvlistValue") return object(one.value.values)
      return one.$case === "intValue" ? Number(one.value) : one.$case === "doubleValue" ? one.value + 0 : one.value
    }
    const object = (pairs: ReadonlyArray<KeyValue>) =>
      Object.fromEntries(pairs.map((pair) => [pair.key, plain(pair.value ?? { value: undefined })]))
    fc.assert(
      fc.property(
        fc.array(fc.tuple(value, fc.bigInt({ min: 1n, max: 2n ** 63n - 1n })), { maxLength: 5 }),
        (records) => {
          const decoded = rowsOf(
            logDecoder,
            logs,
            encode(
              logRequest(
                records.map(([one, timeUnixNano]) =>
                  logRecord({ timeUnixNano, attributes: [{ key: "a", value: one }] })
                )
              )
            )
          )
          assert.strictEqual(decoded.length, records.length)
          for (const [index, [one, time]] of records.entries()) {
            assert.strictEqual(decoded[index]?.time_unix_nano, time)
            assert.deepStrictEqual(JSON.parse(decoded[index]?.attributes ?? ""), { a: plain(one) })
          }
        }
      )
    )
  })

  describe("what is no request", () => {
    const whole = encode(logRequest([logRecord({ body: text("card refused") })]))

    it("refuses it cut anywhere", () => {
      for (let length = 1; length < whole.byteLength; length += 1) {
        assert.strictEqual(decodeWith(logDecoder, whole.subarray(0, length)).error?.reason, "invalid_field")
      }
    })

    it("names the byte and the field", () => {
      const broken = Uint8Array.from(whole)
      const at = Buffer.from(whole).indexOf("card refused")
      broken[at - 1] = 100
      const error = refused(logDecoder, broken, "invalid_field", `byte ${at - 2}`)
      assert.strictEqual(
        error.message,
        `byte ${at - 2}: resource_logs.scope_logs.log_records.body has a part of 100 bytes where 12 are left: send the whole message`
      )
      broken[at - 1] = 12
      broken[at] = 0xff
      refused(logDecoder, broken, "not_utf8", `byte ${at}`)
      broken[at] = 0
      refused(logDecoder, broken, "unstorable_text", `byte ${at}`)
    })

    it("refuses a known field of another type instead of passing over it", () => {
      refused(logDecoder, Uint8Array.of(0x08, 0x01), "invalid_field", "byte 0")
    })

    it("refuses values nested without end", () => {
      let body: AnyValue = text("x")
      for (let level = 0; level < 200; level += 1) body = { value: { $case: "arrayValue", value: { values: [body] } } }
      const { error } = decodeWith(logDecoder, encode(logRequest([logRecord({ body })])))
      assert.strictEqual(error?.reason, "too_deep")
      assert.match(error?.message ?? "", /^byte \d+: resource_logs.*nested deeper than 96 messages/)
    })

    it("refuses a small request whose rows would repeat gigabytes", () => {
      const request = logRequest(Array.from({ length: 100_000 }, () => logRecord({})))
      request.resourceLogs[0]?.resource?.attributes.push(
        attribute("a", { $case: "stringValue", value: "x".repeat(500_000) })
      )
      refused(logDecoder, encode(request), "too_large", "$")
    })

    it("names the path in the JSON form", () => {
      const wrap = (record: object) => ({ resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] })
      const at = "$.resourceLogs[0].scopeLogs[0].logRecords[0]"
      refused(logDecoder, wrap({ timeUnixNano: "soon" }), "invalid_field", `${at}.timeUnixNano`)
      refused(logDecoder, wrap({ traceId: "xyz" }), "invalid_field", `${at}.traceId`)
      refused(logDecoder, wrap({ body: { stringValue: "\u0000" } }), "unstorable_text", `${at}.body.stringValue`)
      refused(logDecoder, wrap({ body: { intValue: "9223372036854775808" } }), "invalid_field", `${at}.body.intValue`)
      refused(
        logDecoder,
        wrap({ body: { stringValue: "a", boolValue: true } }),
        "invalid_field",
        `${at}.body.boolValue`
      )
      refused(logDecoder, { resourceLogs: [7] }, "not_an_object", "$.resourceLogs[0]")
    })
  })
})
