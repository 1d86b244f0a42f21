import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer as createHttpServer } from "node:http"
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TenantSlug } from "@bulkhead/channels"
import { type RunningNatsServer, startNatsServer, waitUntil } from "@bulkhead/devstack"
import { ensureStream, Nats, tenantStreamConfig } from "@bulkhead/nats"
import { Health, Metrics } from "@bulkhead/observability"
import { assert, describe, it } from "@effect/vitest"
import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { ConfigProvider, Effect, Layer } from "effect"
import { PollerApp } from "../src/PollerApp.ts"

interface Target {
  readonly port: number
  readonly answers: number
  status: number
}

const listening = <A extends Server>(server: A) =>
  Effect.acquireRelease(
    Effect.callback<A>((resume) => {
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (open) => Effect.sync(() => void open.close())
  )

const portOf = (server: Server) => (server.address() as AddressInfo).port

/** An HTTP target whose answer the test sets, and which counts its answers. */
const httpTarget = Effect.gen(function* () {
  const target = { status: 200, answers: 0 }
  const server = yield* listening(
    createHttpServer((_, response) => {
      target.answers += 1
      response.writeHead(target.status).end()
    })
  )
  return Object.assign(target, { port: portOf(server) }) as Target
})

/** Waits until the target has answered so often that the poller has drawn its conclusion. */
const awaitAnswers = (target: Target, status: number) =>
  Effect.suspend(() => {
    target.status = status
    const enough = target.answers + 4
    return waitUntil(
      `answers with ${status}`,
      Effect.sync(() => target.answers >= enough)
    )
  })

const stateEvents = (server: RunningNatsServer) =>
  Effect.promise(async () => {
    const connection = await connect({ servers: server.url })
    try {
      const manager = await jetstreamManager(connection)
      const { state } = await manager.streams.info("events-acme")
      if (state.messages === 0) return []
      const events: Array<{ subject: string; check: string; kind: string; state: string; traced: boolean }> = []
      for (let sequence = state.first_seq; sequence <= state.last_seq; sequence += 1) {
        const message = await manager.streams.getMessage("events-acme", { seq: sequence })
        if (message === null) continue
        const { unmapped } = message.json<{ unmapped: { check: string; report: string; current_state: string } }>()
        const traced = message.header.has("traceparent") && message.header.has("Nats-Msg-Id")
        events.push({
          subject: message.subject,
          check: unmapped.check,
          kind: unmapped.report,
          state: unmapped.current_state,
          traced
        })
      }
      return events
    } finally {
      await connection.close()
    }
  })

const startPoller = Effect.fnUntraced(function* (server: RunningNatsServer, checks: ReadonlyArray<object>) {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "bulkhead-poller-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true }))
  )
  const file = join(folder, "checks.json")
  const common = { tenant: "acme", intervalMs: 100, timeoutMs: 80, failuresBeforeDown: 2, heartbeatMs: 1_000 }
  writeFileSync(file, JSON.stringify({ checks: checks.map((check) => ({ ...common, ...check })) }))
  const settings = ConfigProvider.layer(
    ConfigProvider.fromEnvRecord({
      NATS_URL: server.url,
      NATS_TENANT_PREFIX_ENABLED: "true",
      POLLER_CHECKS_FILE: file,
      POLLER_GATEWAY_ID: "gw-1"
    })
  )
  const process = Layer.mergeAll(Health.layer, Metrics.layer("poller", "test"))
  const context = yield* Layer.build(PollerApp.pipe(Layer.provideMerge(process), Layer.provide(settings)))
  return yield* Effect.provideContext(Health, context)
})

const makeStream = Effect.fnUntraced(function* (server: RunningNatsServer) {
  const config = tenantStreamConfig({
    tenant: "acme" as TenantSlug,
    mode: "prefixed",
    limits: { maxBytes: 1e8, maxAgeMs: 3_600_000 }
  })
  if (config === undefined) return assert.fail("acme has a stream in mode prefixed")
  yield* ensureStream(config).pipe(Effect.provide(Nats.layerWith({ servers: [server.url] })))
})

const changes = (server: RunningNatsServer, check: string) =>
  Effect.map(stateEvents(server), (events) =>
    events.filter((event) => event.check === check && event.kind === "change").map((event) => event.state)
  )

const awaitChanges = (server: RunningNatsServer, check: string, wanted: ReadonlyArray<string>) =>
  waitUntil(
    `${check}: ${wanted.join()}`,
    Effect.map(changes(server, check), (states) => states.join() === wanted.join())
  )

describe("poller", () => {
  it.live("reports changes and heartbeats of HTTP and TCP targets under the tenant's prefix", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      yield* makeStream(server)
      const shop = yield* httpTarget
      const tcp = yield* listening(createTcpServer((socket) => socket.destroy()))
      const tcpPort = portOf(tcp)
      const exact = yield* httpTarget
      exact.status = 418
      const health = yield* startPoller(server, [
        { name: "shop", type: "http", url: `http://127.0.0.1:${shop.port}/` },
        { name: "database", type: "tcp", host: "127.0.0.1", port: tcpPort },
        { name: "teapot", type: "http", url: `http://127.0.0.1:${exact.port}/`, expectedStatus: 418 }
      ])
      yield* awaitChanges(server, "shop", ["healthy"])
      yield* awaitChanges(server, "database", ["healthy"])
      yield* awaitChanges(server, "teapot", ["healthy"])
      shop.status = 503
      tcp.close()
      yield* awaitChanges(server, "shop", ["healthy", "unhealthy"])
      yield* awaitChanges(server, "database", ["healthy", "unhealthy"])
      shop.status = 200
      yield* awaitChanges(server, "shop", ["healthy", "unhealthy", "healthy"])
      const hasHeartbeat = Effect.map(stateEvents(server), (events) =>
        events.some((event) => event.kind === "heartbeat")
      )
      yield* waitUntil("a heartbeat", hasHeartbeat)
      const events = yield* stateEvents(server)
      assert.deepStrictEqual(new Set(events.map((event) => event.subject)), new Set(["acme.events.poller.health"]))
      assert.isTrue(events.every((event) => event.traced))
      assert.deepInclude((yield* health.report).checks, { nats: "ok" })
    })
  )
})

describe("nats-server away", () => {
  it.live("keeps the changes that happen meanwhile, in order and each once", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      yield* makeStream(server)
      const shop = yield* httpTarget
      const health = yield* startPoller(server, [{ name: "shop", type: "http", url: `http://127.0.0.1:${shop.port}/` }])
      yield* awaitChanges(server, "shop", ["healthy"])
      yield* server.stop
      const isRed = Effect.map(health.report, ({ checks }) => checks.nats !== "ok")
      yield* waitUntil("readiness is red", isRed)
      yield* awaitAnswers(shop, 500)
      yield* awaitAnswers(shop, 200)
      yield* server.start
      yield* awaitChanges(server, "shop", ["healthy", "unhealthy", "healthy"])
    })
  )

  it.live("does not keep the poller from starting", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      yield* makeStream(server)
      yield* server.stop
      const shop = yield* httpTarget
      const health = yield* Effect.forkScoped(
        startPoller(server, [{ name: "shop", type: "http", url: `http://127.0.0.1:${shop.port}/` }])
      )
      yield* server.start
      yield* awaitChanges(server, "shop", ["healthy"])
      assert.isDefined(health)
    })
  )
})
