import { connect as connectTls } from "node:tls"
import { waitUntil } from "@bulkhead/devstack"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { connectTo, lines, numbered, sendDatagrams, textsOf } from "./harness.ts"
import { type It, LINE_BYTES_MAX, Running } from "./Running.ts"

/** Those of one test in the stream that all share. */
const textsWith = Effect.fnUntraced(function* (name: string) {
  const { installation } = yield* Running
  return (yield* textsOf(installation)).filter((text) => text.startsWith(`${name} `))
})

const awaitTexts = (name: string, count: number) =>
  waitUntil(
    `${count} messages "${name}"`,
    Effect.map(textsWith(name), (texts) => texts.length >= count)
  )

export const takesSyslog = (it: It) =>
  it.effect("publishes syslog of UDP, TCP and TLS with the tenant's credentials, in order", () =>
    Effect.gen(function* () {
      const { collector } = yield* Running
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
      assert.isAtMost(texts.at(-2)?.length ?? 0, LINE_BYTES_MAX)
      assert.strictEqual(yield* collector.metric('bulkhead_edge_truncated_total{source="syslog_tcp"}'), 1)
      assert.deepInclude((yield* collector.ready).checks, { nats: "ok", buffer: "ok" })
    })
  )
