import type { TenantSlug } from "@bulkhead/channels"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Jdm, RuleEngine, SHIPPED_RULES } from "../src/index.ts"

const decide = Effect.fnUntraced(function* (name: string, ...messages: ReadonlyArray<object>) {
  const { run } = yield* RuleEngine
  const shipped = SHIPPED_RULES.find((rule) => rule.name === name)
  if (shipped === undefined) throw new Error(`no rule "${name}" is shipped`)
  const { result, content } = shipped
  const step = { rule: name, revision: 1, result, content: JSON.stringify(content) }
  const outcomes = yield* run(
    "acme" as TenantSlug,
    [step],
    messages.map((message) => new TextEncoder().encode(JSON.stringify(message)))
  )
  return outcomes.map((outcome) =>
    "data" in outcome ? JSON.parse(new TextDecoder().decode(outcome.data)) : outcome.failure
  )
})

const trap = (oid: string) => ({ source: "10.0.0.1:161", varbinds: [{ oid: "1.3.6.1.6.3.1.1.4.1.0", value: oid }] })
const cef = (severity: string) => `CEF:0|Acme|Firewall|1|100|login|${severity}|src=10.0.0.1`

describe("shipped rules", () => {
  it("are models", () => {
    for (const { content } of SHIPPED_RULES) assert.deepStrictEqual(Schema.decodeUnknownSync(Jdm)(content), content)
  })

  it.layer(RuleEngine.layer, { excludeTestServices: true })((it) => {
    it.effect("passthrough changes nothing", () =>
      Effect.gen(function* () {
        const message = { a: 1, b: { c: [null, "x"] }, none: null }
        assert.deepStrictEqual(yield* decide("passthrough", message), [message])
      })
    )

    it.effect("strip_full_message takes full_message away", () =>
      Effect.gen(function* () {
        const decided = yield* decide("strip_full_message", { host: "h", full_message: "long" }, { host: "h" })
        assert.deepStrictEqual(decided, [{ host: "h" }, { host: "h" }])
      })
    )

    it.effect("cef_severity reads the header, and leaves other messages alone", () =>
      Effect.gen(function* () {
        const decided = yield* decide(
          "cef_severity",
          { short_message: cef("2") },
          { message: cef("5") },
          { short_message: cef("High") },
          { short_message: cef("10"), severity: "Low" },
          { short_message: "plain", severity: "kept" },
          { short_message: "plain" }
        )
        assert.deepStrictEqual(
          decided.map(({ severity }) => severity),
          ["Low", "Medium", "High", "Very High", "kept", undefined]
        )
      })
    )

    it.effect("snmp_severity knows the standard traps", () =>
      Effect.gen(function* () {
        const decided = yield* decide(
          "snmp_severity",
          trap("1.3.6.1.6.3.1.1.5.3"),
          trap(".1.3.6.1.6.3.1.1.5.1"),
          trap("1.3.6.1.6.3.1.1.5.4"),
          trap("1.3.6.1.4.1.9"),
          { source: "10.0.0.1" }
        )
        assert.deepStrictEqual(
          decided.map(({ severity }) => severity),
          ["High", "Medium", "Low", undefined, undefined]
        )
      })
    )
  })
})
