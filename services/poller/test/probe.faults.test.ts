import { createServer as createHttpServer } from "node:http"
import { type AddressInfo, createServer, type Server, type Socket } from "node:net"
import { freePort, waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Check } from "../src/Check.ts"
import { probe } from "../src/probe.ts"

const checkOf = (more: object) =>
  Schema.decodeUnknownSync(Check)({ tenant: "acme", name: "target", timeoutMs: 200, ...more })
const http = (port: number, more: object = {}) => checkOf({ type: "http", url: `http://127.0.0.1:${port}/`, ...more })
const tcp = (port: number, host = "127.0.0.1") => checkOf({ type: "tcp", host, port })

/** A server, its port, and how many connections to it are open. */
const serve = (server: Server) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly port: number; readonly open: Set<Socket> }>((resume) => {
      const open = new Set<Socket>()
      server.on("connection", (socket) => {
        open.add(socket.once("close", () => open.delete(socket)).on("error", () => {}))
      })
      server.listen(0, "127.0.0.1", () =>
        resume(Effect.succeed({ port: (server.address() as AddressInfo).port, open }))
      )
    }),
    ({ open }) =>
      Effect.sync(() => {
        server.close()
        for (const socket of open) socket.destroy()
      })
  )

const answering = (status: number, headers: Record<string, string> = {}) =>
  serve(createHttpServer((_, response) => response.writeHead(status, headers).end("a body")))

describe("probe of an HTTP target", () => {
  it.live.each([
    [200, {}, undefined],
    [204, {}, undefined],
    [399, {}, undefined],
    [400, {}, "HTTP status 400, wanted less than 400"],
    [503, {}, "HTTP status 503, wanted less than 400"],
    [200, { expectedStatus: 204 }, "HTTP status 200, wanted 204"],
    [404, { expectedStatus: 404 }, undefined]
  ] as const)("finds status %i with %j: %s", ([status, more, problem]) =>
    Effect.gen(function* () {
      const { port } = yield* answering(status)
      assert.strictEqual((yield* probe(http(port, more))).problem, problem)
    })
  )

  it.live("judges a redirect itself and does not follow it", () =>
    Effect.gen(function* () {
      const broken = yield* answering(500)
      const { port } = yield* answering(302, { location: `http://127.0.0.1:${broken.port}/` })
      assert.isUndefined((yield* probe(http(port))).problem)
      assert.strictEqual(broken.open.size, 0)
    })
  )

  it.live("gives up at timeoutMs, and closes the connection", () =>
    Effect.gen(function* () {
      const { port, open } = yield* serve(createHttpServer(() => {}))
      const seen = yield* probe(http(port))
      assert.strictEqual(seen.problem, "no answer within 200 ms")
      assert.isAtLeast(seen.durationMs, 200)
      yield* waitUntil(
        "the connection is closed",
        Effect.sync(() => open.size === 0)
      )
    })
  )

  it.live("does not wait for a body that never ends", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(createHttpServer((_, response) => response.writeHead(200).write("begun")))
      assert.isUndefined((yield* probe(http(port))).problem)
    })
  )

  it.live("names why there is no answer", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* probe(http(yield* freePort))).problem, "ECONNREFUSED")
      const { port } = yield* serve(createServer((socket) => socket.end("SSH-2.0-odd\r\n")))
      assert.isString((yield* probe(http(port))).problem)
    })
  )
})

describe("probe of a TCP target", () => {
  it.live("is content with a connection, and closes it", () =>
    Effect.gen(function* () {
      const { port, open } = yield* serve(createServer())
      assert.isUndefined((yield* probe(tcp(port))).problem)
      yield* waitUntil(
        "the connection is closed",
        Effect.sync(() => open.size === 0)
      )
    })
  )

  it.live("names why there is no connection", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* probe(tcp(yield* freePort))).problem, "ECONNREFUSED")
    })
  )
})
