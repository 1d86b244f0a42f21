import { createServer, connect as dial, type Socket } from "node:net"
import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startTcpProxy } from "../src/TcpProxy.ts"

/** A server that sends everything back, a wire to it, and a client that notes what it gets. */
const prepare = Effect.gen(function* () {
  const received: Array<string> = []
  const echo = yield* Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer((socket) => {
        socket.on("error", () => socket.destroy())
        socket.on("data", (bytes) => {
          received.push(bytes.toString())
          socket.write(bytes)
        })
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )
  const address = echo.address()
  const wire = yield* startTcpProxy(typeof address === "object" && address !== null ? address.port : 0)
  const client = yield* connectTo(wire.port)
  return { wire, client, received: () => received.join("") }
})

const connectTo = Effect.fnUntraced(function* (port: number) {
  const state = { text: "", isClosed: false }
  const socket: Socket = yield* Effect.acquireRelease(
    Effect.sync(() => dial(port, "127.0.0.1")),
    (open) => Effect.sync(() => open.destroy())
  )
  socket.on("data", (bytes) => {
    state.text += bytes.toString()
  })
  for (const event of ["close", "error"]) {
    socket.on(event, () => {
      state.isClosed = true
    })
  }
  return { socket, state }
})

const becomes = (what: string, check: () => boolean) => waitUntil(what, Effect.sync(check), "5 seconds")

/** Long enough for bytes to come that must not. */
const A_WHILE = 150

describe("a wire", () => {
  it.live("forwards both ways, in order", () =>
    Effect.gen(function* () {
      const { client } = yield* prepare
      for (const part of ["one ", "two ", "three"]) client.socket.write(part)
      yield* becomes("all is back", () => client.state.text === "one two three")
    })
  )

  it.live("is cut at both ends", () =>
    Effect.gen(function* () {
      const { wire, client } = yield* prepare
      client.socket.write("x")
      yield* becomes("it works", () => client.state.text === "x")
      assert.strictEqual(yield* wire.cut, 1)
      yield* becomes("the client knows", () => client.state.isClosed)
      assert.strictEqual(yield* wire.cut, 0)
    })
  )

  it.live("refuses new connections for as long as it is told", () =>
    Effect.gen(function* () {
      const { wire } = yield* prepare
      yield* wire.refuse(true)
      const refused = yield* connectTo(wire.port)
      yield* becomes("refused", () => refused.state.isClosed)
      yield* wire.refuse(false)
      const accepted = yield* connectTo(wire.port)
      accepted.socket.write("y")
      yield* becomes("accepted", () => accepted.state.text === "y")
    })
  )

  it.live("holds answers back while requests arrive, and lets them go on", () =>
    Effect.gen(function* () {
      const { wire, client, received } = yield* prepare
      yield* wire.hold("answers")
      client.socket.write("asked")
      yield* becomes("the server has it", () => received() === "asked")
      yield* Effect.sleep(A_WHILE)
      assert.strictEqual(client.state.text, "")
      yield* wire.hold("nothing")
      yield* becomes("the answer goes on", () => client.state.text === "asked")
    })
  )

  it.live("holds everything back", () =>
    Effect.gen(function* () {
      const { wire, client, received } = yield* prepare
      yield* wire.hold("everything")
      client.socket.write("asked")
      yield* Effect.sleep(A_WHILE)
      assert.strictEqual(received(), "")
      yield* wire.hold("nothing")
      yield* becomes("all goes on", () => client.state.text === "asked")
    })
  )

  it.live("brings answers late, and in order when the delay ends meanwhile", () =>
    Effect.gen(function* () {
      const { wire, client, received } = yield* prepare
      yield* wire.delayAnswers(300)
      const startedAtMs = Date.now()
      client.socket.write("late ")
      yield* becomes("the server has it", () => received() === "late ")
      yield* Effect.sleep(50)
      yield* wire.delayAnswers(0)
      client.socket.write("early")
      yield* becomes("both are back", () => client.state.text === "late early")
      assert.isAtLeast(Date.now() - startedAtMs, 290)
    })
  )
})
