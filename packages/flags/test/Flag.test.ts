import type { TenantSlug } from "@bulkhead/channels"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer } from "effect"
import * as fc from "fast-check"
import {
  booleanFlag,
  choiceFlag,
  Flags,
  FlagValueInvalid,
  PREFIX_MODE,
  prefixMode,
  TENANT_PREFIX_ENABLED
} from "../src/index.ts"
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
      assert.instanceOf(error, FlagValueInvalid)
      assert.include(error.message, "true, 1, yes, on")
      const mode = yield* Effect.flip(Layer.build(environment({ NATS_TENANT_PREFIX_MODE: "sideways" })))
      assert.include(mode.message, 'environment variable NATS_TENANT_PREFIX_MODE: "sideways"')
      assert.include(mode.message, "auto, prefixed, legacy, both")
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

describe("a flag", () => {
  const about = { description: "", owner: "team-a" }

  it("is refused with a key that no environment variable can have", () => {
    for (const key of ["", "my.flag", "flag", "1FLAG", "FLAG*"]) {
      assert.throws(() => booleanFlag({ ...about, key, default: false }), /A-Z, 0-9 and _/)
    }
  })

  it("reads what it prints, and nothing but its words", () => {
    const flag = choiceFlag({ ...about, key: "COLOUR", choices: ["red", "green"], default: "red" })
    assert.deepStrictEqual(
      ["red", " GREEN\n", "", "reds", "__proto__"].map((text) => flag.parse(text)),
      ["red", "green", undefined, undefined, undefined]
    )
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const value = flag.parse(text)
        if (value !== undefined) assert.strictEqual(flag.parse(flag.print(value)), value)
        const on = TENANT_PREFIX_ENABLED.parse(text)
        if (on !== undefined) assert.strictEqual(TENANT_PREFIX_ENABLED.parse(String(on)), on)
      })
    )
  })

  it.effect("dies when it shares its key with another, naming both owners", () =>
    Effect.gen(function* () {
      const mine = booleanFlag({ ...about, key: "SHARED", default: false })
      const theirs = booleanFlag({ ...about, key: "SHARED", default: true, owner: "team-b" })
      const exit = yield* Effect.exit(Layer.build(Flags.layerEnvWith([mine, theirs])))
      assert.match(String(exit), /SHARED is declared by team-a and by team-b/)
      yield* Layer.build(Flags.layerEnvWith([mine, mine, TENANT_PREFIX_ENABLED]))
    })
  )

  it.effect("dies when the layer was not given it", () =>
    Effect.gen(function* () {
      const stranger = booleanFlag({ ...about, key: "STRANGER", default: true })
      const exit = yield* Flags.use((flags) => flags.get(stranger)).pipe(Effect.provide(environment({})), Effect.exit)
      assert.match(String(exit), /STRANGER was not given to the layer/)
    })
  )
})

describe("flagsLayerTest", () => {
  it.effect("says the given values and defaults otherwise", () =>
    Effect.gen(function* () {
      const flags = yield* Flags
      assert.strictEqual(yield* flags.get(TENANT_PREFIX_ENABLED), true)
      assert.strictEqual(yield* flags.get(PREFIX_MODE), "auto")
    }).pipe(Effect.provide(flagsLayerTest({ NATS_TENANT_PREFIX_ENABLED: true })))
  )

  it.effect("dies for a value that the flag cannot have", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(prefixMode)
      assert.match(String(exit), /"sideways" is no value of flag NATS_TENANT_PREFIX_MODE/)
    }).pipe(Effect.provide(flagsLayerTest({ NATS_TENANT_PREFIX_MODE: "sideways" })))
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
        const percent = hundredths / 100
        assert.deepStrictEqual(parseRollout(printRollout(percent, value) ?? ""), { percent, value })
      })
    )
  })

  it("are refused when they are none", () => {
    for (const key of ["", "F", "F.tenant", "F.tenant.logs", "F.tenant.a.b", "F.everyone.x", "F.other"]) {
      assert.isUndefined(parseKey(key), key)
    }
    for (const percent of [-1, 101, 100 / 3, 1e-7, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.isUndefined(printRollout(percent, "true"), String(percent))
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

  it("spreads tenants of any naming evenly over a hundred places", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Z][A-Z_]{0,20}$/), fc.stringMatching(/^[a-z-]{0,30}$/), (flag, prefix) => {
        const places = new Array<number>(100).fill(0)
        for (let index = 0; index < 10_000; index++) {
          const place = rolloutPlace(flag, `${prefix}${index}`)
          assert.isTrue(place >= 0 && place < 100)
          places[Math.floor(place)] = (places[Math.floor(place)] ?? 0) + 1
        }
        // 99 degrees of freedom: a fair spread exceeds 190 less than once in ten million runs.
        const chiSquare = places.reduce((sum, count) => sum + (count - 100) ** 2 / 100, 0)
        assert.isBelow(chiSquare, 190)
      }),
      { numRuns: 30 }
    )
  })

  it("never moves a tenant: the places are those of the first release", () => {
    assert.closeTo(rolloutPlace("NATS_TENANT_PREFIX_ENABLED", "acme"), 24.618417746, 1e-8)
    assert.closeTo(rolloutPlace("NATS_TENANT_PREFIX_ENABLED", "default"), 65.160103468, 1e-8)
  })

  it("keeps a tenant in when the share grows", () => {
    const percent = fc.double({ min: 0, max: 100, noNaN: true })
    const isIn = (slug: string, share: number) =>
      resolve(
        TENANT_PREFIX_ENABLED,
        false,
        { tenants: new Map(), rollout: { value: true, percent: share } },
        slug as TenantSlug
      )
    fc.assert(
      fc.property(fc.string(), percent, percent, (slug, one, other) => {
        if (isIn(slug, Math.min(one, other))) assert.isTrue(isIn(slug, Math.max(one, other)))
      })
    )
    const more = inAt(20)
    for (const slug of inAt(10)) assert.isTrue(more.has(slug))
  })

  it("orders tenants differently for each flag", () => {
    const low = slugs.filter((slug) => rolloutPlace("FLAG_A", slug) < 10)
    assert.isBelow(low.filter((slug) => rolloutPlace("FLAG_B", slug) < 10).length, low.length / 2)
  })
})
