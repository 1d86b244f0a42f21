import { isTenantSlug, type TenantSlug as Slug } from "@bulkhead/channels"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Deferred, Effect, Exit, Logger, References, Schema } from "effect"
import * as fc from "fast-check"
import {
  CommonNameInvalid,
  CurrentTenant,
  currentTenant,
  NewTenantSlug,
  runWithTenant,
  Tenant,
  TenantId,
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

describe("TenantId", () => {
  it("is a UUID and nothing else", () => {
    assert.isTrue(Schema.is(TenantId)("018f3c3e-7b1a-7c1e-8a53-2f6d4f6f3b11"))
    for (const text of ["", "acme", "018f3c3e-7b1a-7c1e-8a53-2f6d4f6f3b1", "018f3c3e7b1a7c1e8a532f6d4f6f3b11"]) {
      assert.isFalse(Schema.is(TenantId)(text), text)
    }
  })
})

describe("Tenant", () => {
  const record: typeof Tenant.Encoded = {
    id: "018f3c3e-7b1a-7c1e-8a53-2f6d4f6f3b11",
    slug: "acme",
    name: "Acme Inc.",
    plan: "pro",
    limits: { eventsPerSecond: 500 },
    status: "active",
    generation: 2,
    appliedGeneration: 1,
    createdAt: "2026-11-24T12:00:00.000Z",
    updatedAt: "2026-11-24T12:00:01.000Z"
  }

  it("is read from JSON and written back as it was", () => {
    const tenant = Schema.decodeUnknownSync(Tenant)(record)
    assert.strictEqual(DateTime.toEpochMillis(tenant.updatedAt) - DateTime.toEpochMillis(tenant.createdAt), 1_000)
    assert.deepStrictEqual(Schema.encodeSync(Tenant)(tenant), record)
  })

  it.each([
    ["id", "1"],
    ["slug", "Acme"],
    ["plan", "platinum"],
    ["status", "paused"],
    ["createdAt", "yesterday"]
  ])("is refused with the field %s of %j", (field, value) => {
    const exit = Schema.decodeUnknownExit(Tenant)({ ...record, [field]: value })
    assert.isTrue(Exit.isFailure(exit))
    assert.include(String(exit), `["${field}"]`)
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

  it.live("keeps each fiber's tenant when another tenant's code wakes it", () =>
    Effect.gen(function* () {
      const woken = yield* Deferred.make<void>()
      const enter = (tenant: { slug: Slug }, run: () => Promise<unknown>) =>
        runWithTenant(run).pipe(withTenant(tenant), Effect.runSync)
      const waiting = enter(globex, () =>
        Effect.runPromise(
          Deferred.await(woken).pipe(
            Effect.andThen(Effect.yieldNow),
            Effect.andThen(withCurrentTenant(Effect.map(CurrentTenant, (tenant) => tenant.slug)))
          )
        )
      )
      yield* Effect.promise(() => enter(acme, async () => Deferred.doneUnsafe(woken, Effect.void)))
      assert.strictEqual(yield* Effect.promise(() => waiting), globex.slug)
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
    ["poller.berlin.acme.bulkhead\n", /ends with "bulkhead\\n"/],
    ["poller.berlin.acme.bulkhead\0.evil", /5 parts/],
    ["poller.berlin.acme.bulkhead\0", /ends with/],
    ["poller.berlin.acme.bulkhead.", /5 parts/],
    ["poller.berlin.аcme.bulkhead", /"\\u0430cme" is no tenant's slug/],
    [["poller.berlin.acme.bulkhead", "poller.berlin.globex.bulkhead"], /list of names/],
    [undefined, /no text but undefined/],
    [`${"x".repeat(60)}.b.acme.bulkhead`, /limit is 64/]
  ])("refuses %j", (commonName, problem) => {
    const result = tenantFromCommonName(commonName)
    assert.instanceOf(result, CommonNameInvalid)
    assert.match((result as CommonNameInvalid).message, problem)
  })

  it("never throws, and its message is one line of printable ASCII", () => {
    const hostile = fc.oneof(
      fc.anything(),
      fc.string({ unit: "binary", maxLength: 200 }),
      fc
        .array(fc.oneof(fc.constantFrom("acme", "bulkhead"), fc.string({ unit: "binary" })), {
          minLength: 4,
          maxLength: 4
        })
        .map((parts) => parts.join("."))
    )
    fc.assert(
      fc.property(hostile, (commonName) => {
        const result = tenantFromCommonName(commonName)
        if (result instanceof CommonNameInvalid) assert.match(result.message, /^[ -~]{1,1000}$/)
      })
    )
  })

  const label = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,10}[a-z0-9])?$/)
  const slug = fc.stringMatching(/^[a-z](?:[a-z0-9-]{0,20}[a-z0-9])?$/).filter(isTenantSlug)

  it("reads back what a certificate was issued for", () => {
    fc.assert(
      fc.property(label, label, slug, label, (component, partition, tenant, suffix) => {
        const commonName = `${component}.${partition}.${tenant}.${suffix}`
        assert.deepStrictEqual(tenantFromCommonName(commonName, suffix), { component, partition, tenant })
      })
    )
  })

  it("gives no tenant for a name with a part more, a part less or another suffix", () => {
    fc.assert(
      fc.property(label, label, slug, (component, partition, tenant) => {
        for (const commonName of [
          `leaf.${component}.${partition}.${tenant}.bulkhead`,
          `${component}.${partition}.${tenant}.${tenant}.bulkhead`,
          `${component}.${tenant}.bulkhead`,
          `${component}.${partition}.${tenant}.bulkhead.evil`,
          `${component}.${partition}.${tenant}.xbulkhead`
        ]) {
          assert.instanceOf(tenantFromCommonName(commonName), CommonNameInvalid, commonName)
        }
      })
    )
  })
})
