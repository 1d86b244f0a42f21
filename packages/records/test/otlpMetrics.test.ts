import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import {
  Exemplar,
  ExponentialHistogramDataPoint,
  HistogramDataPoint,
  Metric,
  MetricsData,
  NumberDataPoint,
  SummaryDataPoint
} from "../src/generated/metrics.ts"
import { metricDecoder, type OtelMetricRow, otelMetrics } from "../src/index.ts"
import { decodeWith, received, refused, rowOf, rowsOf } from "./decoding.ts"
import { attribute, resource, scope, text } from "./otlp.ts"

const none = new Uint8Array(0)
const times = { startTimeUnixNano: 1_768_400_000_000_000_001n, timeUnixNano: 1_768_400_000_250_000_123n }
const attributes = [attribute("host", text("sw-7").value)]

const number = (fields: Partial<NumberDataPoint>) => ({
  ...NumberDataPoint.decode(none),
  ...times,
  attributes,
  ...fields
})

const request = (data: Metric["data"]): Uint8Array =>
  MetricsData.encode({
    resourceMetrics: [
      {
        resource,
        schemaUrl: "",
        scopeMetrics: [
          {
            scope,
            schemaUrl: "",
            metrics: [{ ...Metric.decode(none), name: "temp", description: "how warm", unit: "Cel", data }]
          }
        ]
      }
    ]
  }).finish()

const row = (data: Metric["data"]): OtelMetricRow => rowOf(metricDecoder, otelMetrics, request(data))

describe("metricDecoder", () => {
  it("keeps name, description, unit, attributes, times and origin of every kind", () => {
    const kinds: ReadonlyArray<Metric["data"]> = [
      { $case: "gauge", value: { dataPoints: [number({ value: { $case: "asDouble", value: 21.5 } })] } },
      { $case: "sum", value: { dataPoints: [number({})], aggregationTemporality: 2, isMonotonic: true } },
      {
        $case: "histogram",
        value: { dataPoints: [{ ...HistogramDataPoint.decode(none), ...times, attributes }], aggregationTemporality: 1 }
      },
      {
        $case: "exponentialHistogram",
        value: {
          dataPoints: [{ ...ExponentialHistogramDataPoint.decode(none), ...times, attributes }],
          aggregationTemporality: 1
        }
      },
      { $case: "summary", value: { dataPoints: [{ ...SummaryDataPoint.decode(none), ...times, attributes }] } }
    ]
    const types = kinds.map((data) => {
      const decoded = row(data)
      assert.deepInclude(decoded, {
        metric_name: "temp",
        description: "how warm",
        unit: "Cel",
        attributes: '{"host":"sw-7"}',
        timestamp: new Date("2026-01-14T14:13:20.250Z"),
        time_unix_nano: times.timeUnixNano,
        start_time_unix_nano: times.startTimeUnixNano,
        service_name: "shop",
        scope_name: "cart"
      })
      return decoded.metric_type
    })
    assert.deepStrictEqual(types, ["gauge", "sum", "histogram", "exponential_histogram", "summary"])
  })

  it("keeps integers with all digits, zero and what is no number", () => {
    const value = (one: NumberDataPoint["value"]) => {
      const decoded = row({
        $case: "sum",
        value: { dataPoints: [number({ value: one })], aggregationTemporality: 2, isMonotonic: true }
      })
      assert.deepInclude(decoded, { is_monotonic: true, aggregation_temporality: 2 })
      return [decoded.value, decoded.value_int]
    }
    assert.deepStrictEqual(value({ $case: "asInt", value: 9_007_199_254_740_993n }), [
      9_007_199_254_740_992,
      9_007_199_254_740_993n
    ])
    assert.deepStrictEqual(value({ $case: "asInt", value: 0n }), [0, 0n])
    assert.deepStrictEqual(value({ $case: "asDouble", value: Number.NaN }), [Number.NaN, null])
    assert.deepStrictEqual(value(undefined), [null, null])
  })

  it("keeps the buckets, bounds and exemplars of histograms", () => {
    const exemplar = {
      ...Exemplar.decode(none),
      timeUnixNano: 5n,
      traceId: Uint8Array.of(1),
      value: { $case: "asInt" as const, value: 2n ** 62n },
      filteredAttributes: attributes
    }
    const point = {
      ...HistogramDataPoint.decode(none),
      count: 6n,
      sum: 0,
      min: 0,
      bucketCounts: [1n, 2n ** 63n],
      explicitBounds: [0.5, Number.POSITIVE_INFINITY],
      exemplars: [exemplar]
    }
    assert.deepInclude(row({ $case: "histogram", value: { dataPoints: [point], aggregationTemporality: 2 } }), {
      timestamp: received,
      count: 6n,
      sum: 0,
      min: 0,
      max: null,
      bucket_counts: "[1,9223372036854775808]",
      explicit_bounds: '[0.5,"Infinity"]',
      exemplars:
        '[{"time_unix_nano":5,"value":4611686018427387904,"trace_id":"01","span_id":null,"filtered_attributes":{"host":"sw-7"}}]'
    })
  })

  it("keeps scale, zeros and both sides of exponential histograms, and quantiles", () => {
    const exponential = {
      ...ExponentialHistogramDataPoint.decode(none),
      count: 3n,
      scale: -2,
      zeroCount: 1n,
      zeroThreshold: 0.1,
      positive: { offset: -4, bucketCounts: [1n, 0n] },
      negative: { offset: 0, bucketCounts: [] }
    }
    assert.deepInclude(
      row({ $case: "exponentialHistogram", value: { dataPoints: [exponential], aggregationTemporality: 1 } }),
      {
        scale: -2,
        zero_count: 1n,
        zero_threshold: 0.1,
        positive: '{"offset":-4,"bucket_counts":[1,0]}',
        negative: '{"offset":0,"bucket_counts":[]}'
      }
    )
    const summary = {
      ...SummaryDataPoint.decode(none),
      count: 2n,
      sum: 3.5,
      quantileValues: [{ quantile: 0.99, value: 2 }]
    }
    assert.deepInclude(row({ $case: "summary", value: { dataPoints: [summary] } }), {
      count: 2n,
      sum: 3.5,
      quantile_values: '[{"quantile":0.99,"value":2}]'
    })
  })

  it("gives a row for each point, whatever its attributes", () => {
    fc.assert(
      fc.property(fc.array(fc.double(), { maxLength: 20 }), (values) => {
        const dataPoints = values.map((value) => number({ value: { $case: "asDouble", value } }))
        const rows = rowsOf(metricDecoder, otelMetrics, request({ $case: "gauge", value: { dataPoints } }))
        assert.deepStrictEqual(
          rows.map(({ value }) => value),
          values
        )
      })
    )
  })

  it("reads the JSON form", () => {
    const point = { asInt: "7", timeUnixNano: "1000000", attributes: [{ key: "a", value: { boolValue: true } }] }
    const json = {
      resourceMetrics: [
        { scopeMetrics: [{ metrics: [{ name: "n", sum: { dataPoints: [point], isMonotonic: true } }] }] }
      ]
    }
    assert.deepInclude(rowOf(metricDecoder, otelMetrics, json), {
      metric_type: "sum",
      value_int: 7n,
      is_monotonic: true,
      attributes: '{"a":true}'
    })
  })

  it("refuses counts that fit no column", () => {
    const point = { ...SummaryDataPoint.decode(none), count: 2n ** 63n }
    refused(metricDecoder, request({ $case: "summary", value: { dataPoints: [point] } }), "invalid_field", "$..count")
  })

  describe("metrics derived from spans", () => {
    const derived = {
      timestamp: "2026-01-14T10:00:00Z",
      trace_id: "aa01",
      span_id: "b2",
      service_name: "shop",
      span_name: "GET /cart",
      span_kind: "SERVER",
      duration_ms: 130.5,
      duration_seconds: 0.1305,
      metric_type: "http",
      http_method: "GET",
      http_status_code: "200",
      is_slow: true,
      component: "api",
      level: "info",
      region: "eu"
    }

    it("fills the columns of each and keeps the rest as attributes", () => {
      const [first, second] = rowsOf(metricDecoder, otelMetrics, [derived, { ...derived, http_status_code: 404 }])
      const { timestamp, region, ...columns } = derived
      assert.deepInclude(first, { ...columns, timestamp: new Date(timestamp), attributes: `{"region":"${region}"}` })
      assert.strictEqual(second?.http_status_code, "404")
    })

    it("refuses what fits no column", () => {
      refused(metricDecoder, [derived, { ...derived, duration_ms: "fast" }], "invalid_field", "$[1].duration_ms")
      assert.strictEqual(decodeWith(metricDecoder, "[[]]").error?.path, "$[0]")
    })
  })
})
