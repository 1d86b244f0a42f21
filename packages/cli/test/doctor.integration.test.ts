/** Where a message stops, as an operator is told it: at core, or on the way there. */
import { createServer, type Server } from "node:net"
import { startCore } from "@bulkhead/core/testing"
import { freePort, waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect } from "effect"
import { coreAt, startCli } from "./cliHarness.ts"

const TOKEN = "a secret that must not be seen"

/** Takes connections and says nothing that core would. */
const startStranger = Effect.gen(function* () {
  const port = yield* freePort
  yield* Effect.acquireRelease(
    Effect.callback<Server>((resume) => {
      const server = createServer((socket) =>
        // Whoever wanted TLS hangs up.
        socket.on("error", () => {}).end("HTTP/1.1 503 Away\r\ncontent-length: 0\r\n\r\n")
      )
      server.listen(port, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )
  return port
})

describe("bulkhead doctor", () => {
  it.live("is 0 while a message gets through, and 1 with place and next step where it stops", () =>
    Effect.gen(function* () {
      const core = yield* startCore({ CORE_RESTARTS_MAX: "1", CORE_RETRY_RARE_MS: "600000" })
      const { ok, run } = yield* startCli(coreAt(core.url))
      yield* ok("tenants", "create", "acme", "--name", "Acme")
      yield* waitUntil(
        "acme is well",
        Effect.map(run(["doctor", "acme"]), ({ exit }) => exit === 0)
      )
      const well = yield* ok("doctor", "acme")
      assert.match(well, /^CHECK +RESULT +SEEN\nconnection +ok +core reaches NATS and PostgreSQL\nrights +ok /)
      assert.match(well, /^account +- +this installation keeps no accounts/m)

      const connection = yield* Effect.promise(() => connect({ servers: core.nats.url }))
      const manager = yield* Effect.promise(() => jetstreamManager(connection))
      yield* Effect.promise(() => manager.streams.delete("events-acme"))
      yield* Effect.promise(() => connection.close())
      const stopped = yield* run(["doctor", "acme"])
      assert.strictEqual(stopped.exit, 1)
      assert.match(stopped.stdout, /^stream +FAILED +there is no stream "events-acme"$/m)
      assert.match(
        stopped.stderr,
        /^bulkhead: A message of "acme" stops at stream: .*\. Make it: bulkhead streams apply acme$/
      )
      const asJson = yield* run(["doctor", "acme", "--json"])
      assert.strictEqual(JSON.parse(asJson.stdout).stopsAt, "stream")
      assert.deepInclude(JSON.parse(asJson.stderr).error, { exit: 1, nextStep: "Make it: bulkhead streams apply acme" })

      const unknown = yield* run(["doctor", "nobody"])
      assert.deepInclude(unknown, { exit: 1, stdout: "" })
      assert.match(unknown.stderr, /no tenant "nobody"/)

      const wrong = yield* run(["doctor", "acme"], { BULKHEAD_TOKEN: TOKEN })
      assert.strictEqual(wrong.exit, 4)
      assert.match(wrong.stdout, /^tcp +ok .*\ntoken +FAILED /m)
      assert.match(wrong.stderr, /stops at token: .*BULKHEAD_TOKEN_FILE/)
      assert.notInclude(wrong.stdout + wrong.stderr, TOKEN)
    })
  )

  it.live("names the step on the way to core that fails, and ends with 3", () =>
    Effect.gen(function* () {
      const { run } = yield* startCli()
      const port = yield* startStranger
      const closed = yield* freePort
      const ways: ReadonlyArray<readonly [url: string, step: string, text: RegExp]> = [
        ["http://core.invalid", "dns", /"core\.invalid" has an address \((ENOTFOUND|EAI_AGAIN)\)/],
        [`http://127.0.0.1:${closed}`, "tcp", /takes connections \(ECONNREFUSED\).*CORE_HTTP_PORT/],
        [`https://127.0.0.1:${port}`, "tls", /speaks TLS .*NODE_EXTRA_CA_CERTS/],
        [`http://127.0.0.1:${port}`, "core", /answered with status 503/]
      ]
      for (const [BULKHEAD_URL, step, text] of ways) {
        const { exit, stdout, stderr } = yield* run(["doctor", "acme", "--json"], {
          BULKHEAD_URL,
          BULKHEAD_TOKEN: TOKEN
        })
        assert.strictEqual(exit, 3, stderr)
        assert.strictEqual(JSON.parse(stdout).stopsAt, step, stdout)
        const { problem, nextStep } = JSON.parse(stderr).error
        assert.match(`${problem}. ${nextStep}`, text)
        assert.notInclude(stdout + stderr, TOKEN)
      }
    })
  )
})
