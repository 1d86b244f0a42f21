import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { freePort, startNatsServer, waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Logger, Redacted } from "effect"
import { vi } from "vitest"
import { Nats } from "../src/index.ts"
import { natsOf } from "./fixtures.ts"
import { makeOperator } from "./operator.ts"

const isConnected = Effect.flatMap(Nats, (nats) => nats.isConnected)
const connected = waitUntil("connected", isConnected)
const disconnected = waitUntil(
  "disconnected",
  Effect.map(isConnected, (up) => !up)
)

/** Collects the first word of each log line. */
const collecting = (lines: Array<string>) =>
  Logger.layer([Logger.make(({ message }) => void lines.push(String(Array.isArray(message) ? message[0] : message)))])

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "bulkhead-nats-test-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

describe("Nats", () => {
  describe("server away at start", () => {
    it.live("starts all the same, is not connected, and connects when the server comes", () =>
      Effect.gen(function* () {
        const port = yield* freePort
        const lines: Array<string> = []
        yield* Effect.gen(function* () {
          const nats = yield* Nats
          assert.isFalse(yield* nats.isConnected)
          const waiting = yield* Effect.forkChild(nats.connection, { startImmediately: true })
          yield* startNatsServer({ port })
          const connection = yield* Fiber.join(waiting)
          assert.isTrue(yield* nats.isConnected)
          yield* Effect.promise(() => connection.flush())
        }).pipe(
          Effect.provide(Nats.layerWith({ servers: [`nats://127.0.0.1:${port}`] })),
          Effect.provide(collecting(lines))
        )
        assert.deepStrictEqual(lines, ["not connected to NATS yet", "connected to NATS"])
      })
    )

    it.live("can be closed while it still tries", () =>
      Effect.gen(function* () {
        const port = yield* freePort
        yield* isConnected.pipe(
          Effect.provide(Nats.layerWith({ servers: [`nats://127.0.0.1:${port}`] })),
          Effect.timeout("2 seconds")
        )
      })
    )
  })

  describe("clock set back by hours", () => {
    it.live("reconnects as soon as ever", () =>
      Effect.gen(function* () {
        const server = yield* startNatsServer()
        let aheadMs = 5 * 3_600_000
        const now = Date.now
        yield* Effect.acquireRelease(
          Effect.sync(() => vi.spyOn(Date, "now").mockImplementation(() => now() + aheadMs)),
          (spy) => Effect.sync(() => spy.mockRestore())
        )
        yield* Effect.gen(function* () {
          yield* connected
          aheadMs = 0
          yield* server.kill
          yield* disconnected
          yield* server.start
          yield* connected
        }).pipe(Effect.provide(natsOf(server)))
      })
    )
  })

  describe("server restarts", () => {
    it.live("comes back on the same connection object, and logs each change once", () =>
      Effect.gen(function* () {
        const server = yield* startNatsServer()
        const lines: Array<string> = []
        yield* Effect.gen(function* () {
          const before = yield* (yield* Nats).connection
          for (const end of [server.stop, server.kill]) {
            yield* end
            yield* disconnected
            yield* server.start
            yield* connected
          }
          assert.strictEqual(yield* (yield* Nats).connection, before)
          yield* Effect.promise(() => before.flush())
        }).pipe(Effect.provide(natsOf(server)), Effect.provide(collecting(lines)))
        const lost = "the connection to NATS is lost, trying to get it back"
        assert.deepStrictEqual(lines, ["connected to NATS", lost, "connected to NATS", lost, "connected to NATS"])
      })
    )

    it.live("closes in time while the server is away", () =>
      Effect.gen(function* () {
        const server = yield* startNatsServer()
        yield* Effect.gen(function* () {
          yield* server.stop
          yield* disconnected
        }).pipe(Effect.provide(natsOf(server)), Effect.timeout("5 seconds"))
      })
    )

    it.live("closes in time while the server is frozen", () =>
      Effect.gen(function* () {
        const server = yield* startNatsServer()
        yield* server.pause.pipe(Effect.provide(natsOf(server)), Effect.timeout("8 seconds"))
        yield* server.resume
      })
    )
  })

  describe("user locked out and let in again", () => {
    it.live("goes on trying, and connects when it may", () =>
      Effect.gen(function* () {
        const path = yield* folder
        const lines: Array<string> = []
        const users = join(path, "users.conf")
        const allow = (password: string) =>
          Effect.sync(() => writeFileSync(users, `authorization { users: [{ user: svc, password: ${password} }] }`))
        yield* allow("first")
        const server = yield* startNatsServer({ folder: path, config: 'include "users.conf"' })
        yield* Effect.gen(function* () {
          let refusals = 0
          const nats = yield* Nats
          yield* nats.onStatus((status) => {
            if (status.type === "error") refusals += 1
          })
          yield* allow("second")
          yield* Effect.andThen(server.stop, server.start)
          yield* waitUntil(
            "refused three times",
            Effect.sync(() => refusals >= 3)
          )
          assert.isFalse(yield* nats.isConnected)
          yield* allow("first")
          yield* Effect.andThen(server.stop, server.start)
          yield* connected
        }).pipe(
          Effect.provide(natsOf(server, { user: "svc", password: Redacted.make("first") })),
          Effect.provide(collecting(lines))
        )
        assert.lengthOf(
          lines.filter((line) => line === "NATS refused"),
          1
        )
      })
    )
  })

  describe("credentials expire", () => {
    it.live("connects again with what the file holds by then, and survives a half-written file", () =>
      Effect.gen(function* () {
        const operator = makeOperator()
        const server = yield* startNatsServer({ config: operator.config })
        const path = join(yield* folder, "svc.creds")
        const write = (text: string) => Effect.sync(() => writeFileSync(path, text))
        yield* write(operator.makeUser("first", Date.now() + 2_000).creds)
        yield* Effect.gen(function* () {
          yield* connected
          yield* write("-----BEGIN NATS USER JWT-----\neyJ0")
          yield* disconnected
          const second = operator.makeUser("second")
          yield* write(second.creds)
          yield* connected
          const url = `${server.monitorUrl}/connz?auth=true`
          const answer = yield* Effect.promise(() => fetch(url).then((response) => response.json()))
          const { connections } = answer as { connections: Array<{ authorized_user: string }> }
          assert.deepStrictEqual(
            connections.map((connection) => connection.authorized_user),
            [second.publicKey]
          )
        }).pipe(Effect.provide(natsOf(server, { credsFile: path })))
      })
    )
  })
})
