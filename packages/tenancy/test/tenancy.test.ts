import { isTenantSlug, type TenantSlug as Slug } from "@bulkhead/channels"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Logger, References, Schema } from "effect"
import * as fc from "fast-check"
import {
  CommonNameInvalid,
  CurrentTenant,
  currentTenant,
  NewTenantSlug,
  runWithTenant,
  TenantMissing,
  TenantSlug,
  tenantFromCommonName,
  withCurrentTenant,
  withTenant
} from "../src/index.ts"

const acme = { slug: "acme" as Slug }
const globex = { slug: "globex" as Slug }

describe("TenantSlug", () => {
  it("takes default, which NewTenantSlug refuses with the rule", () => {
    assert.strictEqual(Schema.decodeUnknownSync(TenantSlug)("default"), "default" as Slug)
    const refused = Schema.decodeUnknownExit(NewTenantSlug)("default")
    assert.isTrue(Exit.isFailure(refused))
    assert.match(String(refused), /reserved by the platform/)
  })
})

describe("CurrentTenant", () => {
  it("does not compile where nobody provided it", () => {
    // @ts-expect-error CurrentTenant is required, and there is no default.
    const unprovided: Effect.Effect<string> = Effect.map(CurrentTenant, (tenant) => tenant.slug)
    assert.throws(() => Effect.runSync(unprovided))
  })

  it.effect("is the innermost tenant", () =>
    Effect.gen(function* () {
      const slug = Effect.map(CurrentTenant, (tenant) => tenant.slug)
      assert.deepStrictEqual(yield* Effect.all([slug, withTenant(globex)(slug), slug]), [
        acme.slug,
        globex.slug,
        acme.slug
      ])
    }).pipe(withTenant(acme))
  )

  it.effect("marks log lines and spans", () =>
    Effect.gen(function* () {
      const seen: Array<unknown> = []
      const logger = Logger.make(({ fiber }) => void seen.push(fiber.getRef(References.CurrentLogAnnotations).tenant))
      const span = yield* Effect.log("hello").pipe(
        Effect.andThen(Effect.currentSpan),
        Effect.withSpan("work"),
        withTenant(acme),
        Effect.provide(Logger.layer([logger]))
      )
      assert.deepStrictEqual(seen, ["acme"])
      assert.strictEqual(span.attributes.get("tenant"), "acme")
    })
  )
})

describe("runWithTenant", () => {
  it.live("carries the tenant through promises and timers, for each fiber its own", () =>
    Effect.gen(function* () {
      const later = Effect.flatMap(
        runWithTenant(async () => {
          await new Promise((resolve) => setTimeout(resolve, 5))
          return currentTenant().slug
        }),
        (promise) => Effect.promise(() => promise)
      )
      const slugs = yield* Effect.all([withTenant(acme)(later), withTenant(globex)(later)], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(slugs, [acme.slug, globex.slug])
    })
  )

  it("has a way back into Effect", () => {
    const slug = Effect.map(CurrentTenant, (tenant) => tenant.slug)
    const inside = Effect.runSync(runWithTenant(() => Effect.runSync(withCurrentTenant(slug))).pipe(withTenant(acme)))
    assert.strictEqual(inside, acme.slug)
  })

  it("fails loudly where no tenant is set", () => {
    assert.throws(() => currentTenant(), TenantMissing)
    const exit = Effect.runSyncExit(withCurrentTenant(Effect.void))
    assert.deepStrictEqual(exit, Exit.fail(new TenantMissing({})))
  })
})

describe("tenantFromCommonName", () => {
  it("reads component, partition and tenant", () => {
    assert.deepStrictEqual(tenantFromCommonName("poller-1.berlin.acme.bulkhead"), {
      component: "poller-1",
      partition: "berlin",
      tenant: "acme" as Slug
    })
    assert.deepStrictEqual(tenantFromCommonName("a.b.default.example", "example"), {
      component: "a",
      partition: "b",
      tenant: "default" as Slug
    })
  })

  it.each([
    ["", /1 parts/],
    ["poller.acme.bulkhead", /3 parts/],
    ["leaf.site.acme.acme.bulkhead", /5 parts/],
    ["poller.berlin.acme.evil", /ends with "evil"/],
    ["poller.berlin.logs.bulkhead", /no tenant's slug/],
    ["poller.berlin.ACME.bulkhead", /no tenant's slug/],
    ["poller.berlin.*.bulkhead", /no tenant's slug/],
    ["poller..acme.bulkhead", /partition ""/],
    ["pol ler.berlin.acme.bulkhead", /component/],
    ["poller.berlin.acme.bulkhead\n", /ends with/],
    [`${"x".repeat(60)}.b.acme.bulkhead`, /limit is 64/]
  ])("refuses %j", (commonName, problem) => {
    const result = tenantFromCommonName(commonName)
    assert.instanceOf(result, CommonNameInvalid)
    assert.match((result as CommonNameInvalid).message, problem)
  })

  it("gives a tenant for no other text than one that can be put together again", () => {
    const parts = fc.array(fc.oneof(fc.constantFrom("acme", "bulkhead", "logs", "a"), fc.string()), {
      minLength: 3,
      maxLength: 5
    })
    fc.assert(
      fc.property(parts, (all) => {
        const commonName = all.join(".")
        const result = tenantFromCommonName(commonName)
        if (result instanceof CommonNameInvalid) return
        assert.isTrue(isTenantSlug(result.tenant))
        assert.strictEqual(`${result.component}.${result.partition}.${result.tenant}.bulkhead`, commonName)
      })
    )
  })
})
