import { mkdirSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { connect } from "node:net"
import { join } from "node:path"
import { temporaryFolder } from "@bulkhead/accounts/testing"
import { freePort, waitUntil } from "@bulkhead/devstack"
import { Health, Metrics } from "@bulkhead/observability"
import { assert, describe, it } from "@effect/vitest"
import { status } from "@grpc/grpc-js"
import { ConfigProvider, Context, Effect, Layer } from "effect"
import { EdgeBuffer } from "../src/EdgeBuffer.ts"
import { Listeners } from "../src/EdgeCollectorApp.ts"
import { EdgeConfig } from "../src/EdgeConfig.ts"
import { EdgeMetrics } from "../src/EdgeMetrics.ts"
import { connectTo, numbered, selfSigned, sendDatagrams, sumOf } from "./harness.ts"
import { beginCall, beginPost, call, codeOf, post } from "./otlpClient.ts"
import { logRequest } from "./otlpRequests.ts"

const PROTOBUF = { "content-type": "application/x-protobuf" }
const TOKEN = "a-token-of-the-test"

/** The listeners and their buffer in this process; nobody sends what they take. */
const startListeners = Effect.fnUntraced(function* (
  names: ReadonlyArray<string>,
  settings: Readonly<Record<string, string>> = {}
) {
  const folder = join(yield* temporaryFolder, "buffer")
  const ports = new Map<string, number>()
  for (const name of names) ports.set(name, yield* freePort)
  const environment = {
    EDGE_LISTEN_HOST: "127.0.0.1",
    EDGE_BUFFER_FOLDER: folder,
    ...Object.fromEntries([...ports].map(([name, port]) => [name, String(port)])),
    ...settings
  }
  const context = yield* Layer.build(
    Listeners.pipe(
      Layer.provideMerge(EdgeBuffer.layer),
      Layer.provide(EdgeMetrics.layer),
      Layer.provideMerge(Layer.mergeAll(Health.layer, Metrics.layer("test", "0"))),
      Layer.provide(EdgeConfig.layer),
      Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(environment)))
    )
  )
  const buffer = Context.get(context, EdgeBuffer)
  const { registry } = Context.get(context, Metrics)
  return {
    folder,
    ...buffer,
    health: Context.get(context, Health).report,
    port: (name: string) => ports.get(name) ?? 0,
    metric: (line: string) =>
      Effect.map(
        Effect.promise(() => registry.metrics()),
        (text) => sumOf(text, line)
      ),
    awaitMessages: (count: number) =>
      waitUntil(
        `${count} messages`,
        Effect.sync(() => buffer.disk.messages === count)
      )
  }
})

const OTLP = ["EDGE_OTLP_HTTP_PORT", "EDGE_OTLP_GRPC_PORT"]

describe("a listener that would be open to anybody", () => {
  const { cert, key } = { cert: "EDGE_OTLP_TLS_CERT", key: "EDGE_OTLP_TLS_KEY" }

  it.live.each([
    ["SNMP", ["EDGE_SNMP_PORT"], {}, /EDGE_SNMP_PORT="\d+" would take everybody's traps: .*EDGE_SNMP_ACCEPT_ANY=true/],
    ["OTLP", OTLP, {}, /EDGE_LISTEN_HOST="0.0.0.0" without TLS, and without asking who sends\. Set /],
    ["OTLP with a token alone", OTLP, { EDGE_OTLP_TOKENS: TOKEN }, /without TLS\. Set /],
    ["OTLP over gRPC alone", ["EDGE_OTLP_GRPC_PORT"], {}, /without TLS, and without asking who sends/]
  ] as const)("is refused: %s", ([, ports, settings, problem]) =>
    Effect.map(Effect.flip(startListeners(ports, { EDGE_LISTEN_HOST: "0.0.0.0", ...settings })), (error) =>
      assert.match(error.message, problem)
    )
  )

  it.live("is refused: OTLP with TLS alone, or with a token that is none", () =>
    Effect.gen(function* () {
      const files = yield* selfSigned
      const tls = { EDGE_LISTEN_HOST: "0.0.0.0", [cert]: files.cert, [key]: files.key }
      const open = yield* Effect.flip(startListeners(OTLP, tls))
      assert.match(open.message, /without asking who sends\. Set .*EDGE_OTLP_TOKENS/)
      const short = yield* Effect.flip(startListeners(OTLP, { ...tls, EDGE_OTLP_TOKENS: "guess" }))
      assert.match(short.message, /A token of EDGE_OTLP_TOKENS has 5 characters, at least 16/)
      const unreadable = yield* Effect.flip(startListeners(OTLP, { ...tls, [key]: "/nowhere" }))
      assert.include(unreadable.message, 'EDGE_OTLP_TLS_KEY="/nowhere" cannot be read')
    })
  )

  it.live("is opened where the settings say so", () =>
    Effect.gen(function* () {
      const any = { EDGE_SNMP_ACCEPT_ANY: "true", EDGE_OTLP_ACCEPT_ANY: "true", EDGE_LISTEN_HOST: "0.0.0.0" }
      const listeners = yield* startListeners(["EDGE_SNMP_PORT", ...OTLP], any)
      const port = listeners.port("EDGE_SNMP_PORT")
      const snmp = createRequire(import.meta.url)("net-snmp")
      const session = snmp.createSession("127.0.0.1", "guessed", { trapPort: port, version: snmp.Version2c })
      session.trap("1.3.6.1.6.3.1.1.5.3", () => session.close())
      yield* listeners.awaitMessages(1)
      assert.strictEqual((yield* post(listeners.port("EDGE_OTLP_HTTP_PORT"), "/v1/logs", "", PROTOBUF)).status, 200)
    })
  )
})

describe("OTLP over TLS", () => {
  const request = logRequest([[["over TLS"]]])

  it.live("is taken with a token, and from nobody else", () =>
    Effect.gen(function* () {
      const { cert, key } = yield* selfSigned
      const listeners = yield* startListeners(OTLP, {
        EDGE_LISTEN_HOST: "0.0.0.0",
        EDGE_OTLP_TLS_CERT: cert,
        EDGE_OTLP_TLS_KEY: key,
        EDGE_OTLP_TOKENS: `another-token-of-the-test, ${TOKEN}`
      })
      const tls = { ca: cert }
      const [http, grpc] = OTLP.map(listeners.port)
      const withToken = { tls, authorization: `Bearer ${TOKEN}` }
      assert.strictEqual((yield* post(http ?? 0, "/v1/logs", request, PROTOBUF, withToken)).status, 200)
      assert.strictEqual(String(yield* call(grpc ?? 0, "Logs", request, withToken)), "")
      for (const authorization of [undefined, "Bearer another-guess-of-mine", TOKEN]) {
        const options = authorization === undefined ? { tls } : { tls, authorization }
        const answer = yield* post(http ?? 0, "/v1/logs", request, PROTOBUF, options)
        assert.deepStrictEqual([answer.status, answer.headers["www-authenticate"]], [401, "Bearer"])
        assert.strictEqual(codeOf(yield* call(grpc ?? 0, "Logs", request, options)), status.UNAUTHENTICATED)
      }
      yield* Effect.flip(post(http ?? 0, "/v1/logs", request, PROTOBUF, { authorization: `Bearer ${TOKEN}` }))
      assert.strictEqual(codeOf(yield* call(grpc ?? 0, "Logs", request)), status.UNAVAILABLE)
      assert.strictEqual(listeners.disk.messages, 2)
    })
  )

  it.live("is taken with a certificate, and from nobody else", () =>
    Effect.gen(function* () {
      const [server, client, stranger] = [yield* selfSigned, yield* selfSigned, yield* selfSigned]
      const listeners = yield* startListeners(OTLP, {
        EDGE_LISTEN_HOST: "0.0.0.0",
        EDGE_OTLP_TLS_CERT: server.cert,
        EDGE_OTLP_TLS_KEY: server.key,
        EDGE_OTLP_TLS_CLIENT_CA: client.cert
      })
      const [http, grpc] = OTLP.map(listeners.port)
      const tls = { ca: server.cert, ...client }
      assert.strictEqual((yield* post(http ?? 0, "/v1/logs", request, PROTOBUF, { tls })).status, 200)
      assert.strictEqual(String(yield* call(grpc ?? 0, "Logs", request, { tls })), "")
      for (const other of [{ ca: server.cert }, { ca: server.cert, ...stranger }]) {
        yield* Effect.flip(post(http ?? 0, "/v1/logs", request, PROTOBUF, { tls: other }))
        assert.strictEqual(codeOf(yield* call(grpc ?? 0, "Logs", request, { tls: other })), status.UNAVAILABLE)
      }
      assert.strictEqual(listeners.disk.messages, 2)
    })
  )
})

describe("the memory of all listeners", () => {
  const BYTES = 32 * 1024 * 1024
  const REQUEST_BYTES = 16 * 1024 * 1024

  it.live("is one bound, at which each protocol refuses visibly, and goes on when there is some again", () =>
    Effect.gen(function* () {
      const names = [...OTLP, "EDGE_SYSLOG_UDP_PORT", "EDGE_SYSLOG_TCP_PORT"]
      const listeners = yield* startListeners(names, {
        EDGE_MEMORY_BYTES_MAX: String(BYTES),
        EDGE_OTLP_REQUEST_BYTES_MAX: String(REQUEST_BYTES)
      })
      const { memory, metric } = listeners
      const [http = 0, grpc = 0, udp = 0, tcp = 0] = names.map(listeners.port)
      const request = logRequest([[["small"]]])
      const socket = yield* connectTo(tcp)
      socket.write("<14>before\n")
      yield* listeners.awaitMessages(1)
      const ofConnection = memory.takenBytes
      assert.isAbove(ofConnection, 65_536)

      // Two requests whose bodies do not come hold all that is left.
      const slow = [REQUEST_BYTES, BYTES - REQUEST_BYTES - ofConnection].map((bytes) => {
        const begun = beginPost(http, "/v1/logs", { ...PROTOBUF, "content-length": String(bytes) }, {})
        begun.on("error", () => undefined).flushHeaders()
        return begun
      })
      yield* waitUntil(
        "all is taken",
        Effect.sync(() => memory.takenBytes === BYTES)
      )
      const answer = yield* post(http, "/v1/logs", request, PROTOBUF)
      assert.deepStrictEqual([answer.status, answer.headers["retry-after"]], [503, "5"])
      const refused = yield* call(grpc, "Logs", request)
      assert.strictEqual(codeOf(refused), status.RESOURCE_EXHAUSTED)
      const [details] = "metadata" in refused ? refused.metadata.get("grpc-status-details-bin") : []
      assert.include(String(details), "google.rpc.RetryInfo")
      yield* sendDatagrams(udp, ["<14>dropped"])
      socket.write("<14>waits\n")
      const late = connect(tcp, "127.0.0.1")
      yield* Effect.callback<void>(
        (resume) => void late.on("error", () => undefined).once("close", () => resume(Effect.void))
      )
      yield* waitUntil(
        "a connection waits, and a datagram is dropped",
        Effect.map(
          metric('bulkhead_edge_dropped_total{source="syslog_udp",reason="memory"}'),
          (dropped) => dropped === 1 && memory.waiting === 1
        )
      )
      assert.strictEqual(yield* metric('bulkhead_edge_dropped_total{source="syslog_tcp",reason="memory"}'), 1)
      assert.strictEqual(yield* metric('bulkhead_edge_dropped_total{source="otlp_grpc",reason="memory"}'), 1)
      assert.strictEqual(yield* metric('bulkhead_edge_dropped_total{source="otlp_http",reason="memory"}'), 1)
      assert.strictEqual(listeners.disk.messages, 1)

      for (const begun of slow) begun.destroy()
      yield* listeners.awaitMessages(2)
      assert.strictEqual((yield* post(http, "/v1/logs", request, PROTOBUF)).status, 200)
      assert.strictEqual(String(yield* call(grpc, "Logs", request)), "")
      yield* sendDatagrams(udp, ["<14>after"])
      yield* listeners.awaitMessages(5)
      yield* waitUntil(
        "all is given back",
        Effect.sync(() => memory.takenBytes === ofConnection)
      )
    })
  )

  it.live("is given back by requests that do not come", () =>
    Effect.gen(function* () {
      const listeners = yield* startListeners(OTLP, { EDGE_OTLP_REQUEST_TIMEOUT_MS: "1000" })
      const [http = 0, grpc = 0] = OTLP.map(listeners.port)
      const { memory } = listeners
      const beginHttp = Effect.callback<number | undefined>((resume) => {
        beginPost(http, "/v1/logs", { ...PROTOBUF, "content-length": "1000" }, {})
          .on("error", () => resume(Effect.undefined))
          .on("response", ({ statusCode }) => resume(Effect.succeed(statusCode)))
          .flushHeaders()
      })
      const [, code] = yield* Effect.all([beginHttp, beginCall(grpc, "Logs")], { concurrency: "unbounded" })
      assert.strictEqual(code, status.DEADLINE_EXCEEDED)
      yield* waitUntil(
        "all is given back",
        Effect.sync(() => memory.takenBytes === 0)
      )
    })
  )

  it.live("is never held by connections of syslog alone", () =>
    Effect.gen(function* () {
      const listeners = yield* startListeners(["EDGE_SYSLOG_TCP_PORT"], {
        EDGE_MEMORY_BYTES_MAX: String(BYTES),
        EDGE_SYSLOG_LINE_BYTES_MAX: String(256 * 1024)
      })
      const closed = listeners.metric('bulkhead_edge_dropped_total{source="syslog_tcp",reason="memory"}')
      const sockets = yield* Effect.forEach(numbered("sender", 60), () =>
        connectTo(listeners.port("EDGE_SYSLOG_TCP_PORT"))
      )
      yield* waitUntil(
        "some are closed",
        Effect.map(closed, (count) => count === 60 - 51)
      )
      const half = BYTES / 2
      assert.isAtMost(listeners.memory.takenBytes, half)
      for (const socket of sockets) socket.write("<14>goes on\n")
      yield* listeners.awaitMessages(51)
    })
  )
})

describe("OTLP while the disk fails", () => {
  it.live("is refused for now, and taken when it is back", () =>
    Effect.gen(function* () {
      const listeners = yield* startListeners(OTLP)
      const [http = 0, grpc = 0] = OTLP.map(listeners.port)
      rmSync(listeners.folder, { recursive: true })
      const request = logRequest([[["after the disk"]]])
      assert.strictEqual(codeOf(yield* call(grpc, "Logs", request)), status.UNAVAILABLE)
      const answer = yield* post(http, "/v1/logs", request, PROTOBUF)
      assert.deepStrictEqual([answer.status, answer.headers["retry-after"]], [503, "5"])
      assert.include((yield* listeners.health).checks.buffer ?? "", "ENOENT")
      mkdirSync(listeners.folder)
      assert.strictEqual((yield* post(http, "/v1/logs", request, PROTOBUF)).status, 200)
      const [message] = yield* Effect.promise(() => listeners.disk.peek(1))
      assert.include(Buffer.from(message?.payload ?? []).toString(), "after the disk")
    })
  )
})
