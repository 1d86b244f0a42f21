import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { Span, Span_Event, Span_Link, TracesData } from "../src/generated/trace.ts"
import { otelTraces, traceDecoder } from "../src/index.ts"
import { received, refused, rowOf, rowsOf } from "./decoding.ts"
import { attribute, resource, scope, text } from "./otlp.ts"

const none = new Uint8Array(0)
const span = (fields: Partial<Span>): Span => ({ ...Span.decode(none), ...fields })
const request = (spans: Array<Span>): Uint8Array =>
  TracesData.encode({
    resourceSpans: [{ resource, schemaUrl: "", scopeSpans: [{ scope, schemaUrl: "", spans }] }]
  }).finish()

const attributes = [attribute("host", text("sw-7").value)]

describe("traceDecoder", () => {
  it("keeps a span whole", () => {
    const whole = span({
      traceId: new Uint8Array(16).fill(0xab),
      spanId: new Uint8Array(8).fill(1),
      parentSpanId: new Uint8Array(8).fill(2),
      traceState: "a=1",
      flags: 0x101,
      name: "GET /cart",
      kind: 2,
      startTimeUnixNano: 1_768_400_000_250_000_123n,
      endTimeUnixNano: 1_768_400_000_350_000_123n,
      attributes,
      events: [{ ...Span_Event.decode(none), timeUnixNano: 7n, name: "retry", attributes }],
      links: [{ ...Span_Link.decode(none), traceId: Uint8Array.of(3), flags: 1 }],
      droppedAttributesCount: 1,
      droppedEventsCount: 2,
      droppedLinksCount: 3,
      status: { code: 2, message: "timeout" }
    })
    assert.deepInclude(rowOf(traceDecoder, otelTraces, request([whole])), {
      timestamp: new Date("2026-01-14T14:13:20.250Z"),
      trace_id: "ab".repeat(16),
      span_id: "01".repeat(8),
      parent_span_id: "02".repeat(8),
      trace_state: "a=1",
      flags: 0x101,
      name: "GET /cart",
      kind: 2,
      start_time_unix_nano: 1_768_400_000_250_000_123n,
      end_time_unix_nano: 1_768_400_000_350_000_123n,
      status_code: 2,
      status_message: "timeout",
      attributes: '{"host":"sw-7"}',
      events: '[{"time_unix_nano":7,"name":"retry","attributes":{"host":"sw-7"},"dropped_attributes_count":0}]',
      links:
        '[{"trace_id":"03","span_id":null,"trace_state":"","flags":1,"attributes":{},"dropped_attributes_count":0}]',
      dropped_attributes_count: 1,
      dropped_events_count: 2,
      dropped_links_count: 3,
      service_name: "shop",
      scope_version: "0.1"
    })
  })

  it("takes the end or the time of receipt where there is no start", () => {
    const [ended, timeless] = rowsOf(
      traceDecoder,
      otelTraces,
      request([span({ endTimeUnixNano: 2_000_000n }), span({})])
    )
    assert.strictEqual(ended?.timestamp.getTime(), 2)
    assert.strictEqual(timeless?.timestamp, received)
  })

  it("gives every span of any request, in order", () => {
    const spans = fc.array(
      fc.record({
        name: fc.string({ unit: "grapheme-ascii" }),
        startTimeUnixNano: fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }),
        spanId: fc.uint8Array({ minLength: 1, maxLength: 8 }),
        kind: fc.integer({ min: 1, max: 5 })
      })
    )
    fc.assert(
      fc.property(spans, (sent) => {
        const rows = rowsOf(traceDecoder, otelTraces, request(sent.map((one) => span(one as Partial<Span>))))
        assert.deepStrictEqual(
          rows.map((row) => [row.name ?? "", row.start_time_unix_nano, row.span_id, row.kind]),
          sent.map((one) => [one.name, one.startTimeUnixNano, Buffer.from(one.spanId).toString("hex"), one.kind])
        )
      })
    )
  })

  it("reads the JSON form, with ids in hexadecimal", () => {
    const json = {
      resourceSpans: [
        {
          scopeSpans: [
            { spans: [{ traceId: "5b8efff798038103d269b633813fc60c", spanId: "eee19b7ec3c1b174", kind: 3 }] }
          ]
        }
      ]
    }
    assert.deepInclude(rowOf(traceDecoder, otelTraces, json), {
      trace_id: "5b8efff798038103d269b633813fc60c",
      span_id: "eee19b7ec3c1b174",
      kind: 3
    })
  })

  it("reads plain JSON spans, in either case of names", () => {
    const plain = {
      traceId: "aa",
      spanId: "bb",
      name: "n",
      kind: "SERVER",
      startTimeUnixNano: "1768400000250000123",
      status_code: "ERROR",
      x: 1
    }
    assert.deepInclude(rowOf(traceDecoder, otelTraces, plain), {
      trace_id: "aa",
      kind: 2,
      status_code: 2,
      start_time_unix_nano: 1_768_400_000_250_000_123n,
      attributes: '{"x":1}'
    })
    refused(traceDecoder, { ...plain, spanId: undefined }, "missing_field", "$.span_id")
    refused(traceDecoder, { ...plain, kind: "SERVANT" }, "invalid_field", "$.kind")
    refused(traceDecoder, { ...plain, attributes: { a: "\u0000" } }, "unstorable_text", "$.attributes.a")
  })

  it("refuses times that fit no column", () => {
    refused(traceDecoder, request([span({ startTimeUnixNano: 2n ** 63n })]), "invalid_field", "$..startTimeUnixNano")
  })
})
