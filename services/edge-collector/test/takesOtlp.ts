import { gzipSync } from "node:zlib"
import { waitUntil } from "@bulkhead/devstack"
import { type Decoder, logDecoder, metricDecoder, traceDecoder } from "@bulkhead/records"
import { assert } from "@effect/vitest"
import { status } from "@grpc/grpc-js"
import { Effect } from "effect"
import { messagesOf } from "./harness.ts"
import { call as callAt, codeOf, post as postTo } from "./otlpClient.ts"
import { logRequest, metricRequest, traceRequest } from "./otlpRequests.ts"
import { type It, REQUEST_BYTES_MAX, Running } from "./Running.ts"

const post = Effect.fnUntraced(function* (path: string, body: Uint8Array | string, headers: Record<string, string>) {
  const { collector } = yield* Running
  return yield* postTo(collector.port("EDGE_OTLP_HTTP_PORT"), path, body, headers)
})

const call = Effect.fnUntraced(function* (service: string, request: Uint8Array) {
  const { collector } = yield* Running
  return yield* callAt(collector.port("EDGE_OTLP_GRPC_PORT"), service, request)
})

const protobuf = { "content-type": "application/x-protobuf" }
const json = { "content-type": "application/json" }

const decodersOf: Readonly<Record<string, Decoder>> = {
  "acme.otel.traces": traceDecoder,
  "acme.otel.metrics.raw": metricDecoder,
  "acme.logs.otel": logDecoder
}

/** The rows that the platform's decoders make of the tenant's stream, as JSON. */
const rows = Effect.gen(function* () {
  const { installation } = yield* Running
  const found: Array<string> = []
  for (const { subject, data } of yield* messagesOf(installation, "otel.traces", "otel.metrics.raw", "logs.otel")) {
    const sink = {
      add: (_: object, row: object) =>
        found.push(JSON.stringify(row, (_key, value) => (typeof value === "bigint" ? String(value) : value)))
    }
    const received = { subject, headers: {}, data, timestamp: new Date() }
    assert.isUndefined(decodersOf[subject]?.(received, sink))
  }
  return found
})

const awaitRow = (part: string) =>
  waitUntil(
    part,
    Effect.map(rows, (found) => found.some((row) => row.includes(part)))
  )

export const takesOtlp = (it: It) => {
  it.effect("publishes OTLP of gRPC and HTTP, in protobuf, JSON and gzip", () =>
    Effect.gen(function* () {
      for (const [service, request] of [
        ["Trace", traceRequest("span by grpc")],
        ["Metrics", metricRequest("metric.by.grpc")],
        ["Logs", logRequest([[["log by grpc"]]])]
      ] as const) {
        assert.strictEqual((yield* call(service, request)).toString(), "", service)
      }
      assert.strictEqual((yield* post("/v1/traces", traceRequest("span by http"), protobuf)).status, 200)
      const zipped = gzipSync(metricRequest("metric.zipped"))
      assert.strictEqual((yield* post("/v1/metrics", zipped, { ...protobuf, "content-encoding": "gzip" })).status, 200)
      const text = '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"log in json"}}]}]}]}'
      const answer = yield* post("/v1/logs", text, json)
      assert.deepStrictEqual([answer.status, answer.text], [200, "{}"])
      for (const part of [
        "span by grpc",
        "metric.by.grpc",
        "log by grpc",
        "span by http",
        "metric.zipped",
        "log in json"
      ]) {
        yield* awaitRow(part)
      }
    })
  )

  it.effect("refuses OTLP for good where it can never be stored, and nothing else is harmed", () =>
    Effect.gen(function* () {
      const garbage = new Uint8Array(50).fill(0xff)
      assert.strictEqual(codeOf(yield* call("Logs", garbage)), status.INVALID_ARGUMENT)
      assert.strictEqual((yield* post("/v1/logs", garbage, protobuf)).status, 400)
      assert.strictEqual((yield* post("/v1/logs", "{", json)).status, 400)
      assert.strictEqual((yield* post("/v1/logs", "x", { ...json, "content-encoding": "gzip" })).status, 400)
      assert.strictEqual((yield* post("/v1/logs", "x", { "content-type": "text/plain" })).status, 415)
      assert.strictEqual((yield* post("/v1/nothing", "x", json)).status, 404)
      const bomb = gzipSync(Buffer.alloc(30_000_000))
      const refused = yield* post("/v1/logs", bomb, { ...protobuf, "content-encoding": "gzip" })
      assert.strictEqual(refused.status, 413)
      assert.include(refused.text, `${REQUEST_BYTES_MAX} bytes`)
      const large = logRequest([[["x".repeat(REQUEST_BYTES_MAX)]]])
      assert.strictEqual(codeOf(yield* call("Logs", large)), status.RESOURCE_EXHAUSTED)
      assert.strictEqual((yield* call("Logs", logRequest([[["after garbage"]]]))).toString(), "")
      yield* awaitRow("after garbage")
    })
  )

  it.effect("cuts a request that is larger than a message, and records that fit none are a partial success", () =>
    Effect.gen(function* () {
      const big = Array.from({ length: 30 }, (_, at) => `big ${at} ${"x".repeat(40_000)}`)
      const request = logRequest([[[...big, "y".repeat(1_100_000)]]])
      const response = yield* call("Logs", request)
      assert.include(String(response), "1 larger than 1000000 bytes")
      yield* awaitRow("big 29 ")
      const found = (yield* rows).filter((row) => row.includes('"big '))
      assert.strictEqual(found.length, 30)
    })
  )
}
