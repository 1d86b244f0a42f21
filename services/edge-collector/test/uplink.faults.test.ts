import { readFileSync } from "node:fs"
import { join } from "node:path"
import { waitUntil } from "@bulkhead/devstack"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { connectTo, lines, numbered, sendDatagrams, startCollector, startPlatform, textsOf } from "./harness.ts"
import { call } from "./otlpClient.ts"
import { metricRequest } from "./otlpRequests.ts"

class Platform extends Context.Service<Platform, Effect.Success<typeof startPlatform>>()("test/Platform") {
  static readonly layer = Layer.effect(Platform, startPlatform)
}

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
  it.effect("loses and doubles nothing when it is killed while the uplink is cut, and its folder is its own", () =>
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
      const second = yield* Effect.flip(startCollector(environment, [], collector.folder))
      assert.include(String(second), `is in use by process ${yield* collector.pid}`)
      // The lock of one that was killed stays behind.
      yield* collector.kill
      yield* collector.start
      assert.isAbove(yield* collector.metric("bulkhead_edge_buffer_messages"), 1_499)
      yield* installation.server.resume
      yield* awaitTexts("cut", 1_500)
      assert.deepStrictEqual(yield* textsWith("kill"), numbered("kill", 1_000))
      assert.deepStrictEqual(yield* textsWith("cut"), numbered("cut", 1_500))
    })
  )

  it.effect("puts aside what it may not publish, says so once, and goes on with others", () =>
    Effect.gen(function* () {
      const { environmentOf } = yield* Platform
      // The role may publish logs and events, and no metrics.
      const collector = yield* startCollector(yield* environmentOf("service"), [
        "EDGE_SYSLOG_UDP_PORT",
        "EDGE_OTLP_GRPC_PORT"
      ])
      for (const name of ["one", "two"]) {
        yield* call(collector.port("EDGE_OTLP_GRPC_PORT"), "Metrics", metricRequest(`metric.${name}`))
      }
      yield* sendDatagrams(collector.port("EDGE_SYSLOG_UDP_PORT"), ["<14>allowed 0"])
      yield* awaitTexts("allowed", 1)
      const refused = 'bulkhead_edge_refused_total{subject="otel.metrics.raw",reason="forbidden"}'
      assert.strictEqual(yield* collector.metric(refused), 2)
      assert.strictEqual(yield* collector.metric("bulkhead_edge_buffer_messages"), 0)
      const kept = readFileSync(join(collector.folder, "refused.jsonl"), "utf8").trimEnd().split("\n")
      const found = kept.map((line) => JSON.parse(line) as { subject: string; problem: string; payload: string })
      assert.deepStrictEqual(
        found.map(({ payload }) => /metric\.(one|two)/.exec(Buffer.from(payload, "base64").toString())?.[1]),
        ["one", "two"]
      )
      assert.include(found[0]?.problem, 'the user may not publish to "otel.metrics.raw"')
      assert.lengthOf(collector.log().match(/put aside/g) ?? [], 1)
    })
  )
})
