import type { TenantSlug } from "@bulkhead/channels"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer } from "effect"
import * as fc from "fast-check"
import { booleanFlag, Flags, PREFIX_MODE, prefixMode, TENANT_PREFIX_ENABLED } from "../src/index.ts"
import { keyOf, parseKey, parseRollout, printRollout } from "../src/internal/bucketKeys.ts"
import { resolve, rolloutPlace } from "../src/internal/FlagSettings.ts"
import { flagsLayerTest } from "../src/testing.ts"

const environment = (variables: Record<string, string>) =>
  Flags.layerEnv.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(variables))))

describe("environment", () => {
  it.effect.each([
    [undefined, false],
    ["true", true],
    [" YES ", true],
    ["1", true],
    ["on", true],
    ["off", false],
    ["0", false]
  ] as const)("reads %s as %s", ([text, value]) =>
    Effect.gen(function* () {
      const flags = yield* Flags
      assert.strictEqual(yield* flags.get(TENANT_PREFIX_ENABLED), value)
    }).pipe(Effect.provide(environment(text === undefined ? {} : { NATS_TENANT_PREFIX_ENABLED: text })))
  )

  it.effect("refuses a bad value with variable, value and what is allowed", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Layer.build(environment({ NATS_TENANT_PREFIX_ENABLED: "maybe" })))
      assert.include(error.message, 'environment variable NATS_TENANT_PREFIX_ENABLED: "maybe"')
      assert.include(error.message, "true, 1, yes, on")
    })
  )

  it.effect("derives the prefix mode from the publishers' flag unless it is set", () =>
    Effect.gen(function* () {
      const modeOf = (variables: Record<string, string>) => Effect.provide(prefixMode, environment(variables))
      assert.strictEqual(yield* modeOf({}), "legacy")
      assert.strictEqual(yield* modeOf({ NATS_TENANT_PREFIX_ENABLED: "true" }), "prefixed")
      assert.strictEqual(yield* modeOf({ NATS_TENANT_PREFIX_MODE: "both" }), "both")
    })
  )
})

describe("booleanFlag", () => {
  it("throws for a key that no environment variable can have", () => {
    assert.throws(() => booleanFlag({ key: "my.flag", description: "", owner: "", default: false }), /A-Z, 0-9 and _/)
  })
})

describe("flagsLayerTest", () => {
  it.effect("says the given values and defaults otherwise", () =>
    Effect.gen(function* () {
      const flags = yield* Flags
      assert.strictEqual(yield* flags.get(TENANT_PREFIX_ENABLED), true)
      assert.strictEqual(yield* flags.get(PREFIX_MODE), "auto")
    }).pipe(Effect.provide(flagsLayerTest({ NATS_TENANT_PREFIX_ENABLED: true })))
  )
})

describe("bucket keys and texts", () => {
  it("are read back as they were written", () => {
    const scopes = [
      { kind: "everyone" },
      { kind: "rollout" },
      { kind: "tenant", tenant: "acme" as TenantSlug }
    ] as const
    for (const scope of scopes)
      assert.deepStrictEqual(parseKey(keyOf("SOME_FLAG", scope)), { flag: "SOME_FLAG", scope })
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000 }), fc.stringMatching(/^[a-z]*$/), (hundredths, value) => {
        assert.deepStrictEqual(parseRollout(printRollout(hundredths / 100, value)), {
          percent: hundredths / 100,
          value
        })
      })
    )
  })

  it("are refused when they are none", () => {
    for (const key of ["", "F", "F.tenant", "F.tenant.logs", "F.tenant.a.b", "F.everyone.x", "F.other"]) {
      assert.isUndefined(parseKey(key), key)
    }
    for (const text of ["", "20:true", "101%:true", "-1%:true", "x%:true", "1e2%:true"]) {
      assert.isUndefined(parseRollout(text), text)
    }
  })
})

describe("rollout", () => {
  const slugs = Array.from({ length: 5_000 }, (_, index) => `tenant-${index}` as TenantSlug)
  const inAt = (percent: number) =>
    new Set(
      slugs.filter((slug) =>
        resolve(TENANT_PREFIX_ENABLED, false, { tenants: new Map(), rollout: { value: true, percent } }, slug)
      )
    )

  it("takes about the wanted share of the tenants, none at 0 and all at 100", () => {
    assert.strictEqual(inAt(0).size, 0)
    assert.strictEqual(inAt(100).size, slugs.length)
    for (const percent of [1, 10, 50, 90]) assert.closeTo((inAt(percent).size / slugs.length) * 100, percent, 2.5)
  })

  it("keeps a tenant in when the share grows", () => {
    const few = inAt(10)
    const more = inAt(20)
    for (const slug of few) assert.isTrue(more.has(slug))
  })

  it("orders tenants differently for each flag", () => {
    const low = slugs.filter((slug) => rolloutPlace("FLAG_A", slug) < 10)
    assert.isBelow(low.filter((slug) => rolloutPlace("FLAG_B", slug) < 10).length, low.length / 2)
  })
})
