import { mkdirSync, rmSync } from "node:fs"
import { gzipSync } from "node:zlib"
import { waitUntil } from "@bulkhead/devstack"
import { type Decoder, logDecoder, metricDecoder, traceDecoder } from "@bulkhead/records"
import { assert, layer } from "@effect/vitest"
import { credentials, makeGenericClientConstructor, type ServiceError, status } from "@grpc/grpc-js"
import { Context, Effect, Layer } from "effect"
import { messagesOf, startCollector, startPlatform } from "./harness.ts"
import { logRequest, metricRequest, traceRequest } from "./otlpRequests.ts"

const start = Effect.gen(function* () {
  const { installation, environment } = yield* startPlatform
  const settings = { ...environment, EDGE_OTLP_REQUEST_BYTES_MAX: "2500000" }
  const collector = yield* startCollector(settings, ["EDGE_OTLP_GRPC_PORT", "EDGE_OTLP_HTTP_PORT"])
  return { installation, collector }
})

class Running extends Context.Service<Running, Effect.Success<typeof start>>()("test/Running") {
  static readonly layer = Layer.effect(Running, start)
}

const post = Effect.fnUntraced(function* (path: string, body: Uint8Array | string, headers: Record<string, string>) {
  const { collector } = yield* Running
  return yield* Effect.promise(async () => {
    const url = `http://127.0.0.1:${collector.port("EDGE_OTLP_HTTP_PORT")}${path}`
    const response = await fetch(url, {
      method: "POST",
      body: typeof body === "string" ? body : new Uint8Array(body),
      headers
    })
    return { status: response.status, headers: response.headers, text: await response.text() }
  })
})

const protobuf = { "content-type": "application/x-protobuf" }
const json = { "content-type": "application/json" }

const asBytes = (value: Buffer) => value

/** Calls Export as a client of OTLP does: gives the response, or the status code. */
const call = Effect.fnUntraced(function* (service: string, request: Uint8Array) {
  const { collector } = yield* Running
  const path = `/opentelemetry.proto.collector.${service.toLowerCase()}.v1.${service}Service/Export`
  const codec = {
    requestSerialize: asBytes,
    requestDeserialize: asBytes,
    responseSerialize: asBytes,
    responseDeserialize: asBytes
  }
  const Client = makeGenericClientConstructor(
    { export: { path, requestStream: false, responseStream: false, ...codec } },
    "x"
  )
  return yield* Effect.callback<Buffer | number>((resume) => {
    const client = new Client(`127.0.0.1:${collector.port("EDGE_OTLP_GRPC_PORT")}`, credentials.createInsecure())
    client.export?.(Buffer.from(request), (error: ServiceError | null, response: Buffer) => {
      client.close()
      resume(Effect.succeed(error === null ? response : error.code))
    })
  })
})

const decodersOf: Readonly<Record<string, Decoder>> = {
  "acme.otel.traces": traceDecoder,
  "acme.otel.metrics.raw": metricDecoder,
  "acme.logs.otel": logDecoder
}

/** The rows that the platform's decoders make of the tenant's stream, as JSON. */
const rows = Effect.gen(function* () {
  const { installation } = yield* Running
  const found: Array<string> = []
  for (const { subject, data } of yield* messagesOf(installation)) {
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

layer(Running.layer, { excludeTestServices: true })("OTLP", (it) => {
  it.effect("arrives over gRPC and HTTP, in protobuf, JSON and gzip", () =>
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

  it.effect("is refused for good where it can never be stored, and nothing else is harmed", () =>
    Effect.gen(function* () {
      const garbage = new Uint8Array(50).fill(0xff)
      assert.strictEqual(yield* call("Logs", garbage), status.INVALID_ARGUMENT)
      assert.strictEqual((yield* post("/v1/logs", garbage, protobuf)).status, 400)
      assert.strictEqual((yield* post("/v1/logs", "{", json)).status, 400)
      assert.strictEqual((yield* post("/v1/logs", "x", { ...json, "content-encoding": "gzip" })).status, 400)
      assert.strictEqual((yield* post("/v1/logs", "x", { "content-type": "text/plain" })).status, 415)
      assert.strictEqual((yield* post("/v1/nothing", "x", json)).status, 404)
      const bomb = gzipSync(Buffer.alloc(30_000_000))
      const refused = yield* post("/v1/logs", bomb, { ...protobuf, "content-encoding": "gzip" })
      assert.strictEqual(refused.status, 413)
      assert.include(refused.text, "2500000 bytes")
      assert.strictEqual(yield* call("Logs", logRequest([[["x".repeat(2_600_000)]]])), status.RESOURCE_EXHAUSTED)
      assert.strictEqual((yield* call("Logs", logRequest([[["after garbage"]]]))).toString(), "")
      yield* awaitRow("after garbage")
    })
  )

  it.effect("that is larger than a message is cut, and records that fit none are a partial success", () =>
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

  it.effect("is refused for now while the disk fails, and taken when it is back", () =>
    Effect.gen(function* () {
      const { collector } = yield* Running
      yield* collector.kill
      yield* collector.start
      rmSync(collector.folder, { recursive: true })
      const request = logRequest([[["after the disk"]]])
      assert.strictEqual(yield* call("Logs", request), status.UNAVAILABLE)
      const answer = yield* post("/v1/logs", request, protobuf)
      assert.strictEqual(answer.status, 503)
      assert.strictEqual(answer.headers.get("retry-after"), "5")
      assert.include((yield* collector.ready).checks.buffer ?? "", "ENOENT")
      mkdirSync(collector.folder)
      assert.strictEqual((yield* post("/v1/logs", request, protobuf)).status, 200)
      yield* awaitRow("after the disk")
    })
  )
})
