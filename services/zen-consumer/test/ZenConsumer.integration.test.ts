import { functionRule } from "@bulkhead/rules/testing"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { setField, startWorld, syslogRules } from "./harness.ts"

class World extends Context.Service<World, Effect.Success<typeof startWorld>>()("World") {
  static readonly layer = Layer.effect(World, startWorld)
}

const overlay = (rule: string, revision = 1) => ({ rule, revision, result: "overlay" }) as const

layer(World.layer, { excludeTestServices: true })("zen-consumer", (it) => {
  it.effect("passes through what has no rule, once, with its trace, prefixed and unprefixed", () =>
    Effect.gen(function* () {
      const { addTenant, publish, awaitMessages, startZen } = yield* World
      yield* addTenant("plain")
      yield* addTenant("default", ["default.logs.>", "logs.>"])
      const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
      const { seq } = yield* publish("plain.logs.syslog", '{"n":12345678901234567890}', { traceparent })
      yield* publish("logs.internal.health", '{"a":1}')
      yield* startZen()
      const [message] = yield* awaitMessages("plain", "plain.logs.syslog.processed", 1)
      assert.strictEqual(message?.string(), '{"n":12345678901234567890}')
      assert.strictEqual(message?.header.get("traceparent"), traceparent)
      assert.strictEqual(message?.header.get("Nats-Msg-Id"), `events-plain:${seq}`)
      yield* awaitMessages("default", "logs.internal.health.processed", 1)
    })
  )

  it.effect("runs rules in order, follows a change, and goes on where it stood", () =>
    Effect.gen(function* () {
      const { addTenant, publish, awaitMessages, messagesOn, putRule, putSet, startZen } = yield* World
      const processed = "ruled.logs.syslog.processed"
      yield* addTenant("ruled")
      yield* putRule("ruled", "first", 1, setField("first", "n + 1"))
      yield* putRule("ruled", "second", 1, setField("second", "first * 10"))
      yield* putSet("ruled", syslogRules(overlay("first"), overlay("missing"), overlay("second")))
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* startZen()
          for (let n = 0; n < 120; n += 1) yield* publish("ruled.logs.syslog", JSON.stringify({ n }))
          const results = yield* awaitMessages("ruled", processed, 120)
          assert.deepStrictEqual(
            results.map((result) => result.json()),
            Array.from({ length: 120 }, (_, n) => ({ n, first: n + 1, second: (n + 1) * 10 }))
          )
          yield* putRule("ruled", "first", 2, setField("first", "'new'"))
          yield* putSet("ruled", syslogRules({ rule: "first", revision: 2, result: "replace" }))
          // The change is in force within a second.
          const askedAt = Date.now()
          for (let count = 121; ; count += 1) {
            yield* publish("ruled.logs.syslog", '{"n":0}')
            const results = yield* awaitMessages("ruled", processed, count)
            if (results.at(-1)?.string() === '{"first":"new"}') break
            assert.isBelow(Date.now() - askedAt, 1_000)
          }
        })
      )
      const before = yield* messagesOn("ruled", processed)
      yield* publish("ruled.logs.syslog", '{"n":0}')
      yield* startZen()
      yield* awaitMessages("ruled", processed, before.length + 1)
      assert.lengthOf(yield* messagesOn("ruled", processed), before.length + 1)
    })
  )

  it.effect("gives what a rule fails on to .failed with rule, revision and reason, and the others on", () =>
    Effect.gen(function* () {
      const { addTenant, publish, awaitMessages, putRule, putSet, startZen } = yield* World
      yield* addTenant("evil")
      yield* addTenant("good")
      yield* putRule(
        "evil",
        "loop",
        7,
        JSON.stringify(functionRule("export const handler = async (m) => { while (m.loop) {} return {} }"))
      )
      yield* putSet("evil", syslogRules(overlay("loop", 7)))
      yield* putRule("good", "mark", 1, setField("seen", "true"))
      yield* putSet("good", syslogRules(overlay("mark")))
      const { metrics } = yield* startZen({ RULES_PROCESSES: "1" })
      for (let n = 0; n < 5; n += 1) yield* publish("evil.logs.syslog", '{"loop":true}', { "x-n": String(n) })
      yield* publish("evil.logs.syslog", '{"n":1}')
      yield* publish("good.logs.syslog", '{"n":2}')
      const [good] = yield* awaitMessages("good", "good.logs.syslog.processed", 1)
      assert.deepStrictEqual(good?.json(), { n: 2, seen: true })
      const failed = yield* awaitMessages("evil", "evil.logs.syslog.failed", 5)
      assert.strictEqual(failed[0]?.string(), '{"loop":true}')
      assert.strictEqual(failed[0]?.header.get("Bulkhead-Rule"), "loop")
      assert.strictEqual(failed[0]?.header.get("Bulkhead-Rule-Revision"), "7")
      assert.strictEqual(failed[0]?.header.get("Bulkhead-Reason"), "rule_failed")
      assert.isNotEmpty(failed[0]?.header.get("Bulkhead-Detail"))
      const [other] = yield* awaitMessages("evil", "evil.logs.syslog.processed", 1)
      assert.deepStrictEqual(other?.json(), { n: 1 })
      assert.match(yield* metrics, /bulkhead_zen_failed_total\{tenant="evil",reason="rule_failed"\} 5/)
    })
  )

  it.effect("decides on each record of OTLP logs, and keeps their ids", () =>
    Effect.gen(function* () {
      const { addTenant, publish, awaitMessages, putRule, putSet, startZen } = yield* World
      yield* addTenant("shop")
      yield* putRule("shop", "mark", 1, setField("seen", "body"))
      yield* putSet("shop", {
        groups: [{ name: "otel", subjects: ["logs.otel"], format: "otlp_logs", rules: [overlay("mark")] }]
      })
      const record = (body: string) => ({
        timeUnixNano: "1700000000000000001",
        traceId: "0af7651916cd43dd8448eb211c80319c",
        spanId: "b7ad6b7169203331",
        severityNumber: 9,
        body: { stringValue: body }
      })
      const resource = { attributes: [{ key: "service.name", value: { stringValue: "shop" } }] }
      const request = { resourceLogs: [{ resource, scopeLogs: [{ logRecords: [record("one"), record("two")] }] }] }
      yield* publish("shop.logs.otel", JSON.stringify(request))
      yield* startZen()
      const [message] = yield* awaitMessages("shop", "shop.logs.otel.processed", 1)
      const records = message?.json<ReadonlyArray<Record<string, unknown>>>()
      assert.deepStrictEqual(
        records?.map(({ seen, trace_id, service_name }) => ({ seen, trace_id, service_name })),
        ["one", "two"].map((seen) => ({
          seen,
          trace_id: "0af7651916cd43dd8448eb211c80319c",
          service_name: "shop"
        }))
      )
    })
  )
})
