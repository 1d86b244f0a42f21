import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { freePort, waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer } from "effect"
import { Counter } from "prom-client"
import { Health, Metrics, OpsServer, PortTaken, tracingLayer } from "../src/index.ts"

const environment = (variables: Record<string, string>) => ConfigProvider.layer(ConfigProvider.fromEnvRecord(variables))

const startOps = Effect.gen(function* () {
  const port = yield* freePort
  const base = Layer.mergeAll(Health.layer, Metrics.layer("test", "1.2.3"))
  const context = yield* Layer.build(
    OpsServer.pipe(Layer.provideMerge(base), Layer.provide(environment({ OPS_PORT: String(port) })))
  )
  const get = (path: string) =>
    Effect.promise(async () => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`)
      return { status: response.status, text: await response.text() }
    })
  return {
    get,
    health: yield* Effect.provideContext(Health, context),
    metrics: yield* Effect.provideContext(Metrics, context)
  }
})

const listen = (handle: (server: Server) => void, port = 0) =>
  Effect.acquireRelease(
    Effect.callback<number>((resume) => {
      const server = createServer()
      handle(server)
      server.listen(port, "127.0.0.1", () => resume(Effect.succeed((server.address() as AddressInfo).port)))
      server.unref()
    }),
    () => Effect.void
  )

describe("OpsServer", () => {
  it.live("is alive while it is not ready, and says what is missing", () =>
    Effect.gen(function* () {
      const { get, health } = yield* startOps
      assert.strictEqual((yield* get("/livez")).status, 200)
      const starting = yield* get("/readyz")
      assert.strictEqual(starting.status, 503)
      assert.deepStrictEqual(JSON.parse(starting.text), { ready: false, checks: { process: "starting" } })
      yield* health.setPhase("running")
      assert.strictEqual((yield* get("/readyz")).status, 200)
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* health.register("nats", Effect.succeed("not connected"))
          yield* health.register("postgresql", Effect.succeed(undefined))
          const red = yield* get("/readyz")
          assert.strictEqual(red.status, 503)
          assert.deepInclude(JSON.parse(red.text), {
            checks: { process: "ok", nats: "not connected", postgresql: "ok" }
          })
        })
      )
      assert.strictEqual((yield* get("/readyz")).status, 200)
      yield* health.setPhase("stopping")
      assert.strictEqual((yield* get("/readyz")).status, 503)
    })
  )

  it.live("does not wait for a dependency that never answers", () =>
    Effect.gen(function* () {
      const { get, health } = yield* startOps
      yield* health.setPhase("running")
      yield* health.register("silent", Effect.never)
      assert.match((yield* get("/readyz")).text, /"silent":"no answer within 2 s"/)
    })
  )

  it.live("serves process figures, build info and what a part registers", () =>
    Effect.gen(function* () {
      const { get, metrics } = yield* startOps
      new Counter({ name: "bulkhead_test_total", help: "test", registers: [metrics.registry] }).inc(3)
      const { text } = yield* get("/metrics")
      assert.match(text, /process_cpu_seconds_total/)
      assert.match(text, /bulkhead_build_info\{service="test",version="1.2.3"\} 1/)
      assert.match(text, /bulkhead_test_total 3/)
    })
  )

  it.live("fails on a taken port with host, port and the variable to change", () =>
    Effect.gen(function* () {
      const port = yield* listen(() => {})
      const base = Layer.mergeAll(Health.layer, Metrics.layer("test", "1"))
      const layer = OpsServer.pipe(Layer.provide(base), Layer.provide(environment({ OPS_PORT: String(port) })))
      const error = yield* Effect.flip(Layer.build(layer))
      assert.instanceOf(error, PortTaken)
      assert.match((error as PortTaken).message, new RegExp(`127.0.0.1:${port}.*OPS_PORT`))
    })
  )
})

describe("tracingLayer", () => {
  it.live("sends spans to a collector, the last ones when it closes, and nothing without an endpoint", () =>
    Effect.gen(function* () {
      const bodies: Array<string> = []
      const port = yield* listen((server) =>
        server.on("request", (request, response) => {
          let body = ""
          request.on("data", (part) => (body += part))
          request.on("end", () => {
            bodies.push(`${request.url} ${body}`)
            response.writeHead(200).end("{}")
          })
        })
      )
      const work = Effect.void.pipe(Effect.withSpan("the-span", { attributes: { tenant: "acme" } }))
      const traced = (variables: Record<string, string>) =>
        work.pipe(Effect.provide(tracingLayer("test").pipe(Layer.provide(environment(variables)))))
      yield* traced({})
      assert.deepStrictEqual(bodies, [])
      yield* traced({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}/` })
      yield* waitUntil(
        "the span",
        Effect.sync(() => bodies.length > 0)
      )
      assert.match(bodies[0] ?? "", /^\/v1\/traces .*the-span.*acme/)
    })
  )
})
