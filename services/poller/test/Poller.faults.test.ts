import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer as createHttpServer } from "node:http"
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TenantSlug } from "@bulkhead/channels"
import { type RunningNatsServer, startNatsServer, waitUntil } from "@bulkhead/devstack"
import { ensureStream, Nats, planTenantStream } from "@bulkhead/nats"
import { Health, Metrics } from "@bulkhead/observability"
import { assert, describe, it } from "@effect/vitest"
import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { ConfigProvider, Context, Effect, Fiber, Layer } from "effect"
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

interface StoredEvent {
  readonly subject: string
  readonly id: string
  readonly check: string
  readonly kind: string
  readonly state: string
  readonly hasHeaders: boolean
}

interface Payload {
  readonly id: string
  readonly unmapped: { readonly check: string; readonly report: string; readonly current_state: string }
}

/** Everything in the tenant's stream. */
const eventsOf = (server: RunningNatsServer, tenant = "acme") =>
  Effect.tryPromise(async () => {
    const connection = await connect({ servers: server.url, reconnect: false })
    try {
      const manager = await jetstreamManager(connection)
      const stream = `events-${tenant}`
      const { state } = await manager.streams.info(stream)
      const events: Array<StoredEvent> = []
      for (let sequence = state.first_seq; state.messages > 0 && sequence <= state.last_seq; sequence += 1) {
        const message = await manager.streams.getMessage(stream, { seq: sequence })
        if (message === null) continue
        const { id, unmapped } = message.json<Payload>()
        const hasHeaders = message.header.has("traceparent") && message.header.get("Nats-Msg-Id") === id
        const { check, report: kind, current_state: state } = unmapped
        events.push({ subject: message.subject, id, check, kind, state, hasHeaders })
      }
      return events
    } finally {
      await connection.close()
    }
  })

const startPoller = Effect.fnUntraced(function* (
  server: RunningNatsServer,
  checks: ReadonlyArray<object>,
  variables: Readonly<Record<string, string>> = {}
) {
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
      POLLER_GATEWAY_ID: "gw-1",
      ...variables
    })
  )
  const process = Layer.mergeAll(Health.layer, Metrics.layer("poller", "test"))
  const context = yield* Layer.build(PollerApp.pipe(Layer.provideMerge(process), Layer.provide(settings)))
  const { registry } = Context.get(context, Metrics)
  return {
    health: Context.get(context, Health),
    /** Whether a line of the metrics is there, with any value but 0. */
    hasMetric: (line: string) =>
      Effect.map(
        Effect.promise(() => registry.metrics()),
        (text) => text.split("\n").some((each) => each.startsWith(`${line} `) && !each.endsWith(" 0"))
      )
  }
})

const makeStream = Effect.fnUntraced(function* (server: RunningNatsServer, tenant = "acme") {
  const planned = planTenantStream({
    tenant: tenant as TenantSlug,
    mode: "prefixed",
    settings: { maxBytes: 1e8, maxAgeMs: 3_600_000 }
  })
  if (planned === undefined) return assert.fail("a tenant has a stream in mode prefixed")
  yield* ensureStream(planned).pipe(Effect.provide(Nats.layerWith({ servers: [server.url] })))
})

const httpCheck = (name: string, target: Target, more: object = {}) => ({
  name,
  type: "http",
  url: `http://127.0.0.1:${target.port}/`,
  ...more
})

const changesIn = (events: ReadonlyArray<StoredEvent>, check: string) =>
  events.filter((event) => event.check === check && event.kind === "change").map((event) => event.state)

const awaitChanges = (server: RunningNatsServer, check: string, wanted: ReadonlyArray<string>, tenant = "acme") =>
  waitUntil(
    `${check}: ${wanted.join()}`,
    Effect.map(eventsOf(server, tenant), (events) => changesIn(events, check).join() === wanted.join())
  )

describe("poller", () => {
  it.live("reports changes and heartbeats of HTTP and TCP targets under the tenant's prefix", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      yield* makeStream(server)
      const shop = yield* httpTarget
      const tcp = yield* listening(createTcpServer((socket) => socket.destroy()))
      const teapot = yield* httpTarget
      teapot.status = 418
      const { health, hasMetric } = yield* startPoller(server, [
        httpCheck("shop", shop),
        { name: "database", type: "tcp", host: "127.0.0.1", port: portOf(tcp) },
        httpCheck("teapot", teapot, { expectedStatus: 418 })
      ])
      yield* awaitChanges(server, "shop", ["healthy"])
      yield* awaitChanges(server, "database", ["healthy"])
      yield* awaitChanges(server, "teapot", ["healthy"])
      shop.status = 503
      tcp.close()
      teapot.status = 200
      yield* awaitChanges(server, "shop", ["healthy", "unhealthy"])
      yield* awaitChanges(server, "database", ["healthy", "unhealthy"])
      yield* awaitChanges(server, "teapot", ["healthy", "unhealthy"])
      shop.status = 200
      yield* awaitChanges(server, "shop", ["healthy", "unhealthy", "healthy"])
      const hasHeartbeat = Effect.map(eventsOf(server), (events) => events.some(({ kind }) => kind === "heartbeat"))
      yield* waitUntil("a heartbeat", hasHeartbeat)
      const events = yield* eventsOf(server)
      assert.deepStrictEqual(new Set(events.map((event) => event.subject)), new Set(["acme.events.poller.health"]))
      assert.isTrue(events.every((event) => event.hasHeaders))
      assert.deepInclude((yield* health.report).checks, { nats: "ok" })
      assert.isTrue(yield* hasMetric('bulkhead_poller_events_published_total{tenant="acme"}'))
    })
  )

  it.live("keeps tenants apart whose checks have the same name", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      yield* makeStream(server, "acme")
      yield* makeStream(server, "globex")
      const good = yield* httpTarget
      const bad = yield* httpTarget
      bad.status = 500
      yield* startPoller(server, [httpCheck("shop", good), httpCheck("shop", bad, { tenant: "globex" })])
      yield* awaitChanges(server, "shop", ["healthy"], "acme")
      yield* awaitChanges(server, "shop", ["unhealthy"], "globex")
      for (const tenant of ["acme", "globex"]) {
        const subjects = (yield* eventsOf(server, tenant)).map((event) => event.subject)
        assert.deepStrictEqual(new Set(subjects), new Set([`${tenant}.events.poller.health`]))
      }
    })
  )
})

describe("a tenant without a stream", () => {
  it.live("holds up nobody else, and gets its events once it has one", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      yield* makeStream(server, "acme")
      const late = yield* httpTarget
      const shop = yield* httpTarget
      yield* startPoller(server, [httpCheck("late", late, { tenant: "globex" }), httpCheck("shop", shop)])
      yield* awaitAnswers(late, 200)
      yield* awaitAnswers(late, 500)
      yield* awaitChanges(server, "shop", ["healthy"])
      shop.status = 500
      yield* awaitChanges(server, "shop", ["healthy", "unhealthy"])
      yield* makeStream(server, "globex")
      yield* awaitChanges(server, "late", ["healthy", "unhealthy"], "globex")
    })
  )
})

describe("a tenant that the poller may not publish for", () => {
  it.live("loses its events with a count, and holds up nobody else", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer({
        config: `no_auth_user: admin
          authorization { users: [
            { user: admin, password: a }
            { user: poller, password: p, permissions: { publish: { deny: ["globex.>"] } } }
          ] }`
      })
      yield* makeStream(server, "acme")
      yield* makeStream(server, "globex")
      const shop = yield* httpTarget
      const { hasMetric } = yield* startPoller(
        server,
        [httpCheck("shop", shop, { tenant: "globex" }), httpCheck("shop", shop)],
        { NATS_USER: "poller", NATS_PASSWORD: "p" }
      )
      yield* waitUntil(
        "a refused event",
        hasMetric('bulkhead_poller_events_dropped_total{tenant="globex",reason="refused"}')
      )
      yield* awaitChanges(server, "shop", ["healthy"])
      assert.isEmpty(yield* eventsOf(server, "globex"))
    })
  )
})

/** After what may have gone wrong, one more change: whatever came twice stands before it. */
const assertEachOnce = Effect.fnUntraced(function* (
  server: RunningNatsServer,
  shop: Target,
  wanted: ReadonlyArray<string>
) {
  yield* awaitChanges(server, "shop", wanted)
  shop.status = 500
  yield* awaitChanges(server, "shop", [...wanted, "unhealthy"])
  const ids = (yield* eventsOf(server)).map(({ id }) => id)
  assert.strictEqual(new Set(ids).size, ids.length)
})

describe("nats-server away", () => {
  it.live.each(["stop", "kill"] as const)(
    "keeps the changes that happen after a %s, in order and each once, and leaves out heartbeats",
    (ending) =>
      Effect.gen(function* () {
        const server = yield* startNatsServer()
        yield* makeStream(server)
        const shop = yield* httpTarget
        const { health, hasMetric } = yield* startPoller(server, [httpCheck("shop", shop)])
        yield* awaitChanges(server, "shop", ["healthy"])
        yield* server[ending]
        yield* waitUntil(
          "readiness is red",
          Effect.map(health.report, ({ checks }) => checks.nats === "not connected")
        )
        yield* awaitAnswers(shop, 500)
        yield* awaitAnswers(shop, 200)
        const dropped = 'bulkhead_poller_events_dropped_total{tenant="acme",reason="heartbeat_while_waiting"}'
        yield* waitUntil("a heartbeat left out", hasMetric(dropped))
        yield* server.start
        yield* assertEachOnce(server, shop, ["healthy", "unhealthy", "healthy"])
        assert.deepInclude((yield* health.report).checks, { nats: "ok" })
      })
  )

  it.live("starts all the same, and works once the server is there", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      yield* makeStream(server)
      yield* server.stop
      const shop = yield* httpTarget
      const starting = yield* Effect.forkScoped(startPoller(server, [httpCheck("shop", shop)]))
      yield* server.start
      yield* awaitChanges(server, "shop", ["healthy"])
      const { health } = yield* Fiber.join(starting)
      assert.deepInclude((yield* health.report).checks, { nats: "ok" })
    })
  )
})

describe("nats-server that hangs", () => {
  it.live("stores once what it acknowledges too late", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      yield* makeStream(server)
      const shop = yield* httpTarget
      yield* startPoller(server, [httpCheck("shop", shop)], { PUBLISH_ACK_TIMEOUT_MS: "100" })
      yield* awaitChanges(server, "shop", ["healthy"])
      yield* server.pause
      yield* awaitAnswers(shop, 500)
      // Several tries, each longer than the acknowledgement's time limit, wait in the server's socket.
      yield* awaitAnswers(shop, 500)
      yield* awaitAnswers(shop, 200)
      yield* server.resume
      yield* assertEachOnce(server, shop, ["healthy", "unhealthy", "healthy"])
    })
  )
})
