/**
 * Payloads of every kind, from which fuzzing begins: each is good, and holds as many fields as its kind has.
 */
import type { AnyValue } from "../src/generated/common.ts"
import { FlowMessage } from "../src/generated/flow.ts"
import { LogRecord, LogsData } from "../src/generated/logs.ts"
import {
  Exemplar,
  ExponentialHistogramDataPoint,
  HistogramDataPoint,
  Metric,
  MetricsData,
  NumberDataPoint,
  SummaryDataPoint
} from "../src/generated/metrics.ts"
import { Span, Span_Event, Span_Link, TracesData } from "../src/generated/trace.ts"

/** A good payload, and the decoder that takes it. */
export interface Seed {
  readonly decoder: string
  readonly payload: Uint8Array
}

const none = new Uint8Array(0)
const utf8 = new TextEncoder()
const json = (value: unknown): Uint8Array => utf8.encode(JSON.stringify(value))

const values: ReadonlyArray<AnyValue["value"]> = [
  { $case: "stringValue", value: "größe 😀" },
  { $case: "boolValue", value: true },
  { $case: "intValue", value: -9_007_199_254_740_993n },
  { $case: "doubleValue", value: 0.25 },
  { $case: "bytesValue", value: Uint8Array.of(0, 255) },
  { $case: "arrayValue", value: { values: [{ value: { $case: "boolValue", value: false } }] } },
  { $case: "kvlistValue", value: { values: [{ key: "k", value: { value: { $case: "stringValue", value: "v" } } }] } }
]
const attributes = values.map((value, index) => ({ key: `a.${index}`, value: { value } }))
const resource = {
  attributes: [
    { key: "service.name", value: { value: { $case: "stringValue" as const, value: "shop" } } },
    ...attributes
  ],
  droppedAttributesCount: 1,
  entityRefs: [{ schemaUrl: "s", type: "t", idKeys: ["i"], descriptionKeys: ["d"] }]
}
const scope = { name: "cart", version: "1", attributes, droppedAttributesCount: 1 }
const [traceId, spanId] = [new Uint8Array(16).fill(7), new Uint8Array(8).fill(9)]
const timeUnixNano = 1_768_400_000_250_000_123n
const schemaUrl = "https://s"

const logRecord = {
  ...LogRecord.decode(none),
  timeUnixNano,
  observedTimeUnixNano: timeUnixNano,
  severityNumber: 9 as const,
  severityText: "INFO",
  body: attributes[6]?.value,
  attributes,
  flags: 1,
  traceId,
  spanId,
  eventName: "e"
}
const logs: LogsData = {
  resourceLogs: [{ resource, schemaUrl, scopeLogs: [{ scope, schemaUrl, logRecords: [logRecord, logRecord] }] }]
}

const exemplars = [
  {
    ...Exemplar.decode(none),
    timeUnixNano,
    traceId,
    spanId,
    filteredAttributes: attributes,
    value: { $case: "asInt" as const, value: 3n }
  }
]
const point = { attributes, timeUnixNano, startTimeUnixNano: timeUnixNano, exemplars }
const metric = (data: Metric["data"]): Metric => ({
  ...Metric.decode(none),
  name: "m",
  description: "d",
  unit: "By",
  metadata: attributes,
  data
})
const metrics: MetricsData = {
  resourceMetrics: [
    {
      resource,
      schemaUrl,
      scopeMetrics: [
        {
          scope,
          schemaUrl,
          metrics: [
            metric({
              $case: "gauge",
              value: {
                dataPoints: [{ ...NumberDataPoint.decode(none), ...point, value: { $case: "asDouble", value: 1.5 } }]
              }
            }),
            metric({
              $case: "sum",
              value: {
                dataPoints: [{ ...NumberDataPoint.decode(none), ...point, value: { $case: "asInt", value: -5n } }],
                aggregationTemporality: 2,
                isMonotonic: true
              }
            }),
            metric({
              $case: "histogram",
              value: {
                dataPoints: [
                  {
                    ...HistogramDataPoint.decode(none),
                    ...point,
                    count: 3n,
                    sum: 4,
                    min: 1,
                    max: 2,
                    bucketCounts: [1n, 2n],
                    explicitBounds: [1]
                  }
                ],
                aggregationTemporality: 1
              }
            }),
            metric({
              $case: "exponentialHistogram",
              value: {
                dataPoints: [
                  {
                    ...ExponentialHistogramDataPoint.decode(none),
                    ...point,
                    scale: -1,
                    positive: { offset: -2, bucketCounts: [1n, 300n] },
                    negative: { offset: 2, bucketCounts: [] }
                  }
                ],
                aggregationTemporality: 1
              }
            }),
            metric({
              $case: "summary",
              value: {
                dataPoints: [
                  { ...SummaryDataPoint.decode(none), ...point, quantileValues: [{ quantile: 0.5, value: 1 }] }
                ]
              }
            })
          ]
        }
      ]
    }
  ]
}

const traces: TracesData = {
  resourceSpans: [
    {
      resource,
      schemaUrl,
      scopeSpans: [
        {
          scope,
          schemaUrl,
          spans: [
            {
              ...Span.decode(none),
              traceId,
              spanId,
              parentSpanId: spanId,
              traceState: "a=b",
              name: "n",
              kind: 2,
              startTimeUnixNano: timeUnixNano,
              endTimeUnixNano: timeUnixNano,
              attributes,
              events: [{ ...Span_Event.decode(none), timeUnixNano, name: "e", attributes }],
              links: [{ ...Span_Link.decode(none), traceId, spanId, attributes }],
              status: { code: 2, message: "m" }
            }
          ]
        }
      ]
    }
  ]
}

const flow = FlowMessage.encode({
  ...FlowMessage.decode(none),
  type: 4,
  samplingRate: 100n,
  srcAddr: Uint8Array.of(10, 0, 0, 1),
  dstAddr: new Uint8Array(16).fill(0x20),
  samplerAddress: Uint8Array.of(10, 0, 0, 2),
  nextHop: Uint8Array.of(10, 0, 0, 3),
  bytes: 1500n,
  packets: 2n,
  proto: 6,
  srcPort: 443,
  dstPort: 50_000,
  srcMac: 0x0a0b0c0d0e0fn,
  mplsLabel: [1, 2, 300],
  mplsIp: [Uint8Array.of(1, 2, 3, 4)],
  asPath: [64_512],
  layerStack: [0, 1, 99],
  timeReceivedNs: timeUnixNano,
  timeFlowStartNs: timeUnixNano,
  timeFlowEndNs: timeUnixNano
}).finish()

/** The JSON form of OTLP, as its collectors write it. */
const otlpJson = {
  resourceLogs: [
    {
      resource: { attributes: [{ key: "service.name", value: { stringValue: "shop" } }] },
      scopeLogs: [
        {
          scope: { name: "cart" },
          logRecords: [
            {
              timeUnixNano: "1768400000250000123",
              severityNumber: 9,
              body: { kvlistValue: { values: [{ key: "n", value: { intValue: "5" } }] } },
              traceId: "5b8efff798038103d269b633813fc60c",
              attributes: [{ key: "b", value: { bytesValue: "AP8=" } }]
            }
          ]
        }
      ]
    }
  ]
}
const spanJson = {
  traceId: "5b8efff798038103d269b633813fc60c",
  spanId: "eee19b7ec3c1b174",
  name: "n",
  kind: 2,
  startTimeUnixNano: "1768400000250000123"
}

const seed = (decoder: string, ...payloads: ReadonlyArray<Uint8Array>): ReadonlyArray<Seed> =>
  payloads.map((payload) => ({ decoder, payload }))

const flowWithLength = Uint8Array.of((flow.byteLength & 0x7f) | 0x80, flow.byteLength >> 7, ...flow)

export const corpus: ReadonlyArray<Seed> = [
  ...seed(
    "logDecoder",
    LogsData.encode(logs).finish(),
    json(otlpJson),
    json({
      version: "1.1",
      host: "sw-7",
      short_message: "link down",
      timestamp: 1_768_400_000.25,
      level: 4,
      _a: { b: [null] }
    }),
    json([
      {
        timestamp: "2026-01-14T10:00:00Z",
        severity_number: 9,
        resource: { "service.name": "s" },
        scope: "x",
        body: { a: 1 },
        attributes: { c: 2 }
      }
    ]),
    utf8.encode('{"message":"m","time":1768400000250000123,"n":123456789012345678901234567890}'),
    json({
      source: "10.9.0.8:50112",
      version: "V2C",
      community: "c0mm",
      varbinds: [{ oid: "1.3.6.1.6.3.1.1.4.1.0", value: "1.3.6" }]
    })
  ),
  ...seed(
    "metricDecoder",
    MetricsData.encode(metrics).finish(),
    json({
      resourceMetrics: [
        { scopeMetrics: [{ metrics: [{ name: "n", gauge: { dataPoints: [{ asDouble: 1.5, timeUnixNano: "1" }] } }] }] }
      ]
    }),
    json([
      {
        timestamp: "2026-01-14T10:00:00Z",
        trace_id: "aa01",
        duration_ms: 130.5,
        metric_type: "http",
        http_status_code: 200,
        is_slow: true
      }
    ])
  ),
  ...seed(
    "traceDecoder",
    TracesData.encode(traces).finish(),
    json({ resourceSpans: [{ scopeSpans: [{ spans: [spanJson] }] }] }),
    json(spanJson)
  ),
  ...["flowDecoder", "flowActivityDecoder"].flatMap((decoder) =>
    seed(
      decoder,
      flow,
      flowWithLength,
      json({
        timestamp: "2026-01-14T10:00:00Z",
        src_addr: "10.0.0.1",
        dst_addr: "fe80::1",
        src_port: 443,
        protocol: "TCP",
        packets: 3,
        octets: "1500",
        flow_direction: "in"
      })
    )
  ),
  ...seed(
    "ocsfEventDecoder",
    json({
      id: "0d1fa1b2-0000-4000-8000-000000000001",
      time: 1_768_400_000,
      class_uid: 1008,
      category_uid: 1,
      type_uid: 100801,
      activity_id: 1,
      unmapped: { a: [1] }
    })
  ),
  ...seed(
    "sweepDecoder",
    json({
      host_ip: "10.0.0.1",
      hostname: "h",
      icmp_available: true,
      tcp_ports_open: [22],
      last_sweep_time: "2026-01-14T10:00:00Z"
    })
  ),
  ...seed(
    "timeseriesDecoder",
    json({ metric_name: "cpu", value: 0.5, tags: { core: "1" }, if_index: 2, is_delta: false, metadata: { a: 1 } })
  )
]
