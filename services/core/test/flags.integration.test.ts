import type { TenantSlug } from "@bulkhead/channels"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startCore } from "../testing/coreHarness.ts"
import { ask, assertProblem } from "./ask.ts"

const MODE = "NATS_TENANT_PREFIX_MODE"
const PREFIX = "NATS_TENANT_PREFIX_ENABLED"

describe("flags API", () => {
  it.live("says what holds and why, and changes it for everyone, a share and one tenant", () =>
    Effect.gen(function* () {
      const { api } = yield* startCore()
      const slug = "acme" as TenantSlug
      yield* api.tenants.create({ payload: { slug, name: "Acme", plan: "free" } })
      const flag = { params: { key: PREFIX } }
      const look = (query: { tenant?: string } = {}) => api.flags.get({ ...flag, query })
      assert.deepInclude(yield* look(), { base: "true", default: "false", inForce: "true", tenants: {} })

      const set = (payload: Parameters<typeof api.flags.change>[0]["payload"]) => api.flags.change({ ...flag, payload })
      assert.deepInclude(yield* set({ target: { kind: "everyone" }, value: "off" }), {
        everyone: "false",
        inForce: "false"
      })
      assert.deepInclude(yield* set({ target: { kind: "tenant", tenant: slug }, value: "yes" }), {
        tenants: { acme: "true" },
        inForce: "true"
      })
      assert.strictEqual((yield* look({ tenant: slug })).inForce, "true")
      assert.strictEqual((yield* look({ tenant: "default" })).inForce, "false")
      assert.deepInclude(yield* set({ target: { kind: "rollout", percent: 100 }, value: "true" }), {
        rollout: { percent: 100, value: "true" }
      })
      assert.strictEqual((yield* look({ tenant: "default" })).inForce, "true")

      for (const target of [{ kind: "everyone" }, { kind: "rollout" }, { kind: "tenant", tenant: slug }] as const)
        yield* set({ target, value: null })
      const after = yield* look()
      assert.deepInclude(after, { base: "true", inForce: "true", tenants: {} })
      assert.doesNotHaveAnyKeys(after, ["everyone", "rollout"])
      assert.deepEqual(
        (yield* api.flags.list({ query: {} })).map(({ key }) => key),
        [PREFIX, MODE]
      )
    })
  )

  it.live("refuses what is no flag, no value, no share and no tenant, and changes nothing", () =>
    Effect.gen(function* () {
      const { url } = yield* startCore()
      const patch = (key: string, target: object, value: unknown) =>
        ask(url, "PATCH", `/v1/flags/${key}`, { target, value })
      const everyone = { kind: "everyone" }
      assertProblem(yield* patch("NOBODY", everyone, "on"), 404, /no flag .*NOBODY.*NATS_TENANT_PREFIX_MODE/)
      assertProblem(yield* patch(MODE, everyone, "sideways"), 422, /sideways.*auto, prefixed, legacy, both/)
      assertProblem(yield* patch(MODE, { kind: "rollout" }, "both"), 422, /percent/)
      for (const percent of [-1, 101, 0.000_01]) {
        assertProblem(yield* patch(MODE, { kind: "rollout", percent }, "both"), 422, /from 0 to 100/)
      }
      assertProblem(yield* patch(MODE, { kind: "tenant", tenant: "nobody" }, "both"), 404, /no tenant .*nobody/)
      assertProblem(yield* patch(MODE, { kind: "tenant", tenant: "No Body" }, "both"), 400, /tenant/)
      assertProblem(yield* patch(MODE, everyone, 7), 400, /value/)
      assertProblem(yield* ask(url, "GET", `/v1/flags/${MODE}?tenant=nobody`), 404, /no tenant .*nobody/)
      const { body } = yield* ask(url, "GET", `/v1/flags/${MODE}`)
      assert.deepInclude(body, { inForce: "auto", tenants: {} })
      assert.doesNotHaveAnyKeys(body, ["everyone", "rollout"])
    })
  )
})

describe("nats-server away", () => {
  it.live("is a 503 for a change, and the last good values stay readable", () =>
    Effect.gen(function* () {
      const { url, nats } = yield* startCore()
      yield* nats.stop
      const change = { target: { kind: "everyone" }, value: "both" }
      assertProblem(yield* ask(url, "PATCH", `/v1/flags/${MODE}`, change), 503, /Nothing was changed/)
      assert.deepInclude((yield* ask(url, "GET", `/v1/flags/${MODE}`)).body, { inForce: "auto" })
    })
  )
})
