import { freePort } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer } from "effect"
import { Counter } from "prom-client"
import { Health, Metrics, OpsServer, PortTaken, tracingLayer } from "../src/index.ts"
import { startCollector } from "./fixtures/collector.ts"

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

  it.live("names a dependency whose check breaks, and shows no credentials", () =>
    Effect.gen(function* () {
      const { get, health } = yield* startOps
      yield* health.setPhase("running")
      yield* health.register("broken", Effect.die(new Error("a bug in the check")))
      yield* health.register("nats", Effect.succeed("nats://core:s3cr3t@nats:4222 refuses"))
      const { status, text } = yield* get("/readyz")
      assert.strictEqual(status, 503)
      assert.deepInclude(JSON.parse(text), {
        checks: { process: "ok", broken: "a bug in the check", nats: "nats://<redacted>@nats:4222 refuses" }
      })
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
      const { url } = yield* startCollector(() => {})
      const port = Number(new URL(url).port)
      const base = Layer.mergeAll(Health.layer, Metrics.layer("test", "1"))
      const layer = OpsServer.pipe(Layer.provide(base), Layer.provide(environment({ OPS_PORT: String(port) })))
      const error = yield* Effect.flip(Layer.build(layer))
      assert.instanceOf(error, PortTaken)
      assert.match((error as PortTaken).message, new RegExp(`127.0.0.1:${port}.*OPS_PORT`))
    })
  )
})

describe("tracingLayer", () => {
  const traced = (variables: Record<string, string>) =>
    Effect.void.pipe(
      Effect.withSpan("the-span", { attributes: { tenant: "acme" } }),
      Effect.provide(tracingLayer("test").pipe(Layer.provide(environment(variables))))
    )

  it.live("has sent its spans when it is closed, and sends none without an endpoint", () =>
    Effect.gen(function* () {
      const collector = yield* startCollector((response) => response.writeHead(200).end("{}"))
      yield* traced({})
      assert.isEmpty(collector.bodies)
      yield* traced({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
      assert.lengthOf(collector.bodies, 1)
      assert.match(collector.bodies[0] ?? "", /^\/v1\/traces .*"test".*the-span.*acme/)
    })
  )

  it.live("does not fail the work when nobody collects", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      yield* traced({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` })
    })
  )
})
