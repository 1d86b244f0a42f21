import { execFileSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { connect as connectTls } from "node:tls"
import { temporaryFolder } from "@bulkhead/accounts/testing"
import { waitUntil } from "@bulkhead/devstack"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { connectTo, sendDatagrams, startCollector, startPlatform, textsOf } from "./harness.ts"

class Platform extends Context.Service<Platform, Effect.Success<typeof startPlatform>>()("test/Platform") {
  static readonly layer = Layer.effect(Platform, startPlatform)
}

const numbered = (name: string, count: number) => Array.from({ length: count }, (_, at) => `${name} ${at}`)
const lines = (texts: ReadonlyArray<string>) => texts.map((text) => `<14>${text}\n`).join("")

/** Those of one test in the stream that all share. */
const textsWith = Effect.fnUntraced(function* (name: string) {
  const { installation } = yield* Platform
  return (yield* textsOf(installation)).filter((text) => text.startsWith(`${name} `))
})

const awaitTexts = (name: string, count: number) =>
  waitUntil(
    `${count} messages "${name}"`,
    Effect.map(textsWith(name), (texts) => texts.length >= count)
  )

layer(Platform.layer, { excludeTestServices: true })("edge-collector", (it) => {
  it.effect("publishes syslog of UDP, TCP and TLS with the tenant's credentials, in order", () =>
    Effect.gen(function* () {
      const { environment } = yield* Platform
      const folder = yield* temporaryFolder
      const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")]
      const request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
      execFileSync("openssl", [...request, "-subj", "/CN=edge", "-keyout", key, "-out", cert], { stdio: "ignore" })
      const { NATS_URL, NATS_CREDS_FILE } = environment
      const file = join(folder, "edge.json")
      writeFileSync(file, JSON.stringify({ NATS_URL, EDGE_SYSLOG_LINE_BYTES_MAX: 1_000 }))
      const collector = yield* startCollector(
        { NATS_CREDS_FILE, EDGE_CONFIG_FILE: file, EDGE_SYSLOG_TLS_CERT: cert, EDGE_SYSLOG_TLS_KEY: key },
        ["EDGE_SYSLOG_UDP_PORT", "EDGE_SYSLOG_TCP_PORT", "EDGE_SYSLOG_TLS_PORT"]
      )
      yield* sendDatagrams(collector.port("EDGE_SYSLOG_UDP_PORT"), ["<14>datagram 0", new Uint8Array([255, 0, 254])])
      const socket = yield* connectTo(collector.port("EDGE_SYSLOG_TCP_PORT"))
      socket.write(lines(numbered("line", 300)))
      socket.write("18 <14>line counted 1<14>line x\n")
      socket.write(`<14>line ${"long".repeat(1_000)}\n<14>line last\n`)
      connectTls({ port: collector.port("EDGE_SYSLOG_TLS_PORT"), rejectUnauthorized: false }).end("<14>tls 0")
      yield* awaitTexts("line", 304)
      yield* awaitTexts("datagram", 1)
      yield* awaitTexts("tls", 1)
      const texts = yield* textsWith("line")
      assert.deepStrictEqual(texts.slice(0, 300), numbered("line", 300))
      assert.strictEqual(texts[300], "line counted 1")
      assert.strictEqual(texts.at(-1), "line last")
      assert.isAtMost(texts.at(-2)?.length ?? 0, 1_000)
      assert.strictEqual(yield* collector.metric('bulkhead_edge_truncated_total{source="syslog_tcp"}'), 1)
      assert.deepInclude((yield* collector.ready).checks, { nats: "ok", buffer: "ok" })
    })
  )

  it.effect("loses and doubles nothing when it is killed while the uplink is cut", () =>
    Effect.gen(function* () {
      const { environment, installation } = yield* Platform
      const collector = yield* startCollector(environment, ["EDGE_SYSLOG_TCP_PORT"])
      const received = (count: number) =>
        waitUntil(
          `${count} received`,
          Effect.map(collector.metric("bulkhead_edge_received_total"), (found) => found === count)
        )
      const first = yield* connectTo(collector.port("EDGE_SYSLOG_TCP_PORT"))
      first.write(lines(numbered("kill", 1_000)))
      yield* waitUntil(
        "some are stored",
        Effect.map(installation.stored("acme"), (stored) => stored > 100)
      )
      yield* installation.server.pause
      first.write(lines(numbered("cut", 1_500)))
      yield* received(2_500)
      yield* collector.kill
      yield* collector.start
      assert.isAbove(yield* collector.metric("bulkhead_edge_buffer_messages"), 1_499)
      yield* installation.server.resume
      yield* awaitTexts("cut", 1_500)
      assert.deepStrictEqual(yield* textsWith("kill"), numbered("kill", 1_000))
      assert.deepStrictEqual(yield* textsWith("cut"), numbered("cut", 1_500))
    })
  )
})
