import type { TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startCore } from "../testing/coreHarness.ts"
import { ask, assertProblem } from "./ask.ts"

describe("tenants API", () => {
  it.live("creates, lists and gets tenants, active when the answer comes", () =>
    Effect.gen(function* () {
      const { url, query } = yield* startCore()
      const created = yield* ask(url, "POST", "/v1/tenants", { slug: "acme-corp", name: "Acme" })
      assert.strictEqual(created.status, 201)
      assert.deepInclude(created.body, { slug: "acme-corp", plan: "free", status: "active" })
      const schemas = yield* query("select 1 from pg_namespace where nspname = 'tenant_acme_corp'")
      assert.strictEqual(schemas.length, 1)
      const list = yield* ask(url, "GET", "/v1/tenants")
      assert.deepStrictEqual(
        (list.body as unknown as Array<{ slug: string }>).map(({ slug }) => slug),
        ["acme-corp", "default"]
      )
      assert.deepInclude((yield* ask(url, "GET", "/v1/tenants/acme-corp")).body, { name: "Acme" })
      const health = yield* ask(url, "GET", "/health/tenants/acme-corp")
      assert.deepInclude(health.body, { tenant: "acme-corp", status: "active", restarts: 0 })
    })
  )

  it.live("refuses bad input with a problem that names the value and the rule, and creates nothing", () =>
    Effect.gen(function* () {
      const { url } = yield* startCore()
      yield* ask(url, "POST", "/v1/tenants", { slug: "acme", name: "Acme" })
      const create = (slug: unknown, name: unknown = "X") => ask(url, "POST", "/v1/tenants", { slug, name })
      assertProblem(yield* create("acme"), 409, /\\"acme\\" exists already/)
      assertProblem(yield* create("logs"), 400, /logs.*reserved by the platform/)
      assertProblem(yield* create("default"), 400, /reserved by the platform/)
      assertProblem(yield* create("Acme Corp"), 400, /none of a-z, 0-9 and -/)
      assertProblem(yield* create("a".repeat(49)), 400, /49 characters, the limit is 48/)
      assertProblem(yield* create("acme\u0000"), 400, /none of a-z/)
      assertProblem(yield* create(7), 400, /payload.*slug/)
      assertProblem(yield* create("beta", ""), 400, /payload.*name/)
      assertProblem(yield* create("beta", "x".repeat(201)), 400, /200/)
      assertProblem(
        yield* ask(url, "POST", "/v1/tenants", { slug: "beta", name: "B", plan: "gold" }),
        400,
        /enterprise/
      )
      assertProblem(yield* ask(url, "POST", "/v1/tenants", "{ not json"), 400, /detail/)
      assertProblem(yield* ask(url, "GET", "/v1/tenants/nobody"), 404, /no tenant \\"nobody\\"/)
      assertProblem(yield* ask(url, "GET", "/v1/tenants/No%20Body"), 404, /List them/)
      assertProblem(yield* ask(url, "GET", "/health/tenants/nobody"), 404, /No tenant/)
      const list = yield* ask(url, "GET", "/v1/tenants")
      assert.lengthOf(list.body as unknown as Array<unknown>, 2)
    })
  )

  it.live("refuses a request body over 512 KiB", () =>
    Effect.gen(function* () {
      const { url } = yield* startCore()
      const answer = yield* ask(url, "POST", "/v1/tenants", { slug: "beta", name: "x".repeat(600_000) })
      assertProblem(answer, 413, /524288/)
    })
  )

  it.live("says of an unknown route where the routes are listed", () =>
    Effect.gen(function* () {
      const { url } = yield* startCore()
      assertProblem(yield* ask(url, "GET", "/v2/tenants"), 404, /\/docs/)
    })
  )

  it.live("refuses a missing and a wrong token everywhere but in the documentation", () =>
    Effect.gen(function* () {
      const { url } = yield* startCore()
      for (const path of ["/v1/tenants", "/v1/tenants/acme", "/health/tenants"]) {
        assertProblem(yield* ask(url, "GET", path, undefined, "wrong token, but long"), 401, /CORE_API_TOKEN/)
        assertProblem(yield* ask(url, "GET", path, undefined, ""), 401, /bearer token/)
      }
      assert.strictEqual((yield* ask(url, "GET", "/openapi.json", undefined, "")).status, 200)
      assert.strictEqual((yield* ask(url, "GET", "/docs", undefined, "")).status, 200)
    })
  )
})

describe("PostgreSQL away during a create", () => {
  it.live("is a 503 that creates nothing; the same request works afterwards", () =>
    Effect.gen(function* () {
      const { url, postgres } = yield* startCore()
      yield* postgres.stop
      assertProblem(
        yield* ask(url, "POST", "/v1/tenants", { slug: "acme", name: "A" }),
        503,
        /PostgreSQL cannot be reached/
      )
      yield* postgres.start
      yield* waitUntil(
        "the create works",
        Effect.map(ask(url, "POST", "/v1/tenants", { slug: "acme", name: "A" }), ({ status }) => status === 201)
      )
    })
  )
})

describe("nats-server away during a create", () => {
  it.live("leaves the tenant provisioning, which becomes active by itself when NATS is back", () =>
    Effect.gen(function* () {
      const { url, nats, api } = yield* startCore({ CORE_PROVISION_WAIT_MS: "500" })
      yield* nats.stop
      const created = yield* ask(url, "POST", "/v1/tenants", { slug: "acme", name: "A" })
      assert.deepInclude(created.body, { status: "provisioning" })
      yield* nats.start
      const acme = { params: { slug: "acme" as TenantSlug } }
      yield* waitUntil(
        "acme is active",
        Effect.map(api.tenants.get(acme), ({ status }) => status === "active"),
        "30 seconds"
      )
    })
  )
})

describe("lifecycle messages", () => {
  it.live("reach the platform's stream and the tenant's own events", () =>
    Effect.gen(function* () {
      const { url, query } = yield* startCore()
      yield* ask(url, "POST", "/v1/tenants", { slug: "acme", name: "A" })
      const events = query<{ message: string }>("select message from tenant_acme.ocsf_events order by time")
      yield* waitUntil(
        "both events",
        Effect.map(events, (rows) => rows.length === 2)
      )
      assert.match((yield* events)[1]?.message ?? "", /acme updated, status active/)
      yield* waitUntil(
        "an empty outbox",
        Effect.map(query("select 1 from bulkhead.outbox"), (rows) => rows.length === 0)
      )
    })
  )
})
