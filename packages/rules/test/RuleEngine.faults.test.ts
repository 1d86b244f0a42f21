import type { TenantSlug } from "@bulkhead/channels"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Fiber, Layer } from "effect"
import { RuleEngine, type RuleOutcome, type RuleToRun } from "../src/index.ts"
import { functionRule } from "../testing/functionRule.ts"

const ACME = "acme" as TenantSlug
const GLOBEX = "globex" as TenantSlug
const TIMEOUT_MS = 1_500

const engine = RuleEngine.layer.pipe(
  Layer.provide(
    ConfigProvider.layer(ConfigProvider.fromEnvRecord({ RULES_PROCESSES: "1", RULES_TIMEOUT_MS: String(TIMEOUT_MS) }))
  )
)

const rule = (name: string, source: string): RuleToRun => ({
  rule: name,
  revision: 3,
  result: "overlay",
  content: JSON.stringify(functionRule(source))
})

const bytes = (text: string) => new TextEncoder().encode(text)
const detailOf = (outcome: RuleOutcome | undefined) =>
  outcome !== undefined && "failure" in outcome ? outcome.failure.detail : undefined
const resultOf = (outcome: RuleOutcome | undefined) =>
  outcome !== undefined && "data" in outcome ? JSON.parse(new TextDecoder().decode(outcome.data)) : undefined

const mark = rule("mark", "export const handler = async (input) => ({ seen: true })")

/** Another tenant's message, decided on by the same engine. */
const others = (run: RuleEngine["Service"]["run"]) =>
  Effect.map(run(GLOBEX, [mark], [bytes('{"owner":"globex"}')]), ([outcome]) =>
    assert.deepStrictEqual(resultOf(outcome), { owner: "globex", seen: true })
  )

describe("RuleEngine", () => {
  it.layer(engine, { excludeTestServices: true })((it) => {
    it.effect("names the rule that fails, and goes on with the other messages", () =>
      Effect.gen(function* () {
        const { run } = yield* RuleEngine
        const picky = rule(
          "picky",
          "export const handler = async (input) => { if (input.bad) throw new Error('no'); return {} }"
        )
        const [good, bad] = yield* run(ACME, [picky], [bytes('{"a":1}'), bytes('{"bad":true}')])
        assert.deepStrictEqual(resultOf(good), { a: 1 })
        assert.deepInclude(bad, {
          failure: { rule: "picky", revision: 3, reason: "rule_failed", detail: detailOf(bad) ?? "" }
        })
        assert.match(detailOf(bad) ?? "", /no/)
      })
    )

    it.effect("an endless loop fails its own message alone", () =>
      Effect.gen(function* () {
        const { run } = yield* RuleEngine
        const loop = rule("loop", "export const handler = async (input) => { while (input.loop) {} return {} }")
        const [good, bad] = yield* run(ACME, [loop], [bytes('{"a":1}'), bytes('{"loop":true}')])
        assert.deepStrictEqual(resultOf(good), { a: 1 })
        assert.isDefined(detailOf(bad))
        yield* others(run)
      })
    )

    it.effect("a rule that never answers is ended at the limit, and the next tenant does not wait for it", () =>
      Effect.gen(function* () {
        const { run } = yield* RuleEngine
        const never = rule("never", "export const handler = (input) => new Promise(() => {})")
        const hanging = yield* Effect.forkChild(run(ACME, [never], [bytes("{}"), bytes("{}")]))
        yield* others(run)
        const outcomes = yield* Fiber.join(hanging)
        for (const outcome of outcomes) assert.isDefined(detailOf(outcome))
      })
    )

    it.effect("memory without end fails its own message alone", () =>
      Effect.gen(function* () {
        const { run } = yield* RuleEngine
        const hog = rule(
          "hog",
          "export const handler = async (input) => { const all = []; while (true) all.push(new Array(100000).fill('x'.repeat(100))) }"
        )
        const [bad] = yield* run(ACME, [hog], [bytes("{}")])
        assert.isDefined(detailOf(bad))
        yield* others(run)
      })
    )

    it.effect("numbers and depths that the engine cannot take are refused by path", () =>
      Effect.gen(function* () {
        const { run } = yield* RuleEngine
        const deep = `{"a":${"[".repeat(5_000)}${"]".repeat(5_000)}}`
        const outcomes = yield* run(
          ACME,
          [mark],
          [bytes('{"a":{"b":9e28}}'), bytes('{"a":[1e-40]}'), bytes(deep), bytes("{"), new Uint8Array([0xff])]
        )
        const reasons = outcomes.map(detailOf)
        assert.match(reasons[0] ?? "", /^\$\.a\.b is 9e\+28/)
        assert.match(reasons[1] ?? "", /^\$\.a\[0\] is 1e-40/)
        assert.match(reasons[2] ?? "", /nested deeper than 64 levels/)
        assert.match(reasons[3] ?? "", /no JSON/)
        assert.match(reasons[4] ?? "", /no JSON/)
      })
    )

    it.effect("a result that is no object, or a rule that is no model, fails", () =>
      Effect.gen(function* () {
        const { run } = yield* RuleEngine
        const list = rule("list", "export const handler = async () => [1]")
        const [bad] = yield* run(ACME, [list], [bytes("{}")])
        assert.match(detailOf(bad) ?? "", /no object/)
        const broken = { ...mark, rule: "broken", content: '{"nodes":5}' }
        const [unusable] = yield* run(ACME, [broken], [bytes("{}")])
        assert.isDefined(detailOf(unusable))
        yield* others(run)
      })
    )

    it.effect("a function reaches neither the network nor the environment of the service", () =>
      Effect.gen(function* () {
        const { run } = yield* RuleEngine
        const caller = rule(
          "caller",
          "import http from 'http'; export const handler = async () => ({ got: (await http.get('http://127.0.0.1:1/')).status })"
        )
        const [called] = yield* run(ACME, [caller], [bytes("{}")])
        assert.match(detailOf(called) ?? "", /may not use the network/)
        const looker = rule("looker", "export const handler = async () => ({ got: typeof process + typeof require })")
        const [looked] = yield* run(ACME, [looker], [bytes("{}")])
        assert.deepStrictEqual(resultOf(looked), { got: "undefinedundefined" })
      })
    )
  })
})
