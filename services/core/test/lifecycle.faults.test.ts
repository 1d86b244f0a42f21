import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { type Servers, startServers, startSigner } from "@bulkhead/account-signer/testing"
import type { TenantSlug } from "@bulkhead/channels"
import { freePort, waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { ocsfEvent } from "../testing/events.ts"
import {
  apiClient,
  connectAs,
  coreEnvironment,
  issue,
  publish,
  query,
  startCoreOn
} from "../testing/lifecycleHarness.ts"

const fixture = fileURLToPath(new URL("fixtures/coreKilledAt.ts", import.meta.url))

/** Runs core until it has killed itself; `ask` is sent to it once it is ready, and need not be answered. */
const runKilled = Effect.fnUntraced(function* (
  servers: Servers,
  kill: { readonly span: string; readonly tenant: string },
  ask: (api: Effect.Success<ReturnType<typeof apiClient>>) => Effect.Effect<unknown, unknown>
) {
  const { environment, url } = yield* coreEnvironment(servers)
  const opsPort = yield* freePort
  const child = spawn(process.execPath, ["--conditions=@bulkhead/source", fixture], {
    env: {
      PATH: process.env.PATH,
      ...environment,
      OPS_PORT: String(opsPort),
      KILL_SPAN: kill.span,
      KILL_TENANT: kill.tenant
    },
    stdio: "ignore"
  })
  yield* Effect.addFinalizer(() => Effect.sync(() => child.kill("SIGKILL")))
  const api = yield* apiClient(url)
  const isReady = Effect.promise(() =>
    fetch(`http://127.0.0.1:${opsPort}/readyz`).then(
      (response) => response.ok,
      () => false
    )
  )
  yield* waitUntil("core is ready", isReady, "45 seconds")
  yield* Effect.forkScoped(Effect.exit(ask(api)))
  yield* waitUntil(
    `killed at ${kill.span}`,
    Effect.sync(() => child.signalCode === "SIGKILL")
  )
})

/** Core in this process, ended with `body`. */
const withCore = <A, E, R>(
  servers: Servers,
  body: (api: Effect.Success<ReturnType<typeof startCoreOn>>) => Effect.Effect<A, E, R>
) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const api = yield* startCoreOn(servers).pipe(Scope.provide(scope))
    const result = yield* body(api)
    yield* Scope.close(scope, Exit.void)
    return result
  })

const accountsOf = (servers: Servers, slug: string) =>
  query<{ publicKey: string }>(
    servers,
    `select public_key as "publicKey" from bulkhead_signer.accounts where tenant = '${slug}'`
  )

const isActive = (api: Effect.Success<ReturnType<typeof apiClient>>, slug: string) =>
  Effect.map(
    api.tenants.get({ params: { slug } }),
    ({ status, generation, appliedGeneration }) => status === "active" && appliedGeneration === generation
  )

const CREATE_STEPS = [
  "TenantSchemas.provision",
  "ensureStream",
  "TenantActor.provisionStorage",
  "SignerClient.ensure-account",
  "SignerClient.sign-user",
  "provePublishing",
  "TenantStore.applied"
]

const DELETE_STEPS = [
  "SignerClient.remove-account",
  "eraseTenant.account",
  "eraseTenant.stream",
  "eraseTenant.schema",
  "eraseTenant.keys",
  "TenantStore.erased"
]

type Api = Effect.Success<ReturnType<typeof apiClient>>

/** Changes of a tenant that works, the steps of each, and what must be so afterwards. */
const CHANGES: ReadonlyArray<{
  readonly name: string
  readonly steps: ReadonlyArray<string>
  readonly ask: (api: Api, slug: string) => Effect.Effect<unknown, unknown>
  readonly after: { readonly status: string; readonly plan: string }
  readonly undo: (api: Api, slug: string) => Effect.Effect<unknown, unknown>
}> = [
  {
    name: "a change of plan",
    steps: ["SignerClient.ensure-account", "provePublishing", "TenantStore.applied"],
    ask: (api, slug) => api.tenants.change({ params: { slug }, payload: { plan: "pro" } }),
    after: { status: "active", plan: "pro" },
    undo: (api, slug) => api.tenants.change({ params: { slug }, payload: { plan: "free" } })
  },
  {
    name: "a suspension",
    steps: ["SignerClient.ensure-account", "TenantStore.applied"],
    ask: (api, slug) => api.tenants.suspend({ params: { slug } }),
    after: { status: "suspended", plan: "free" },
    undo: (api, slug) => api.tenants.resume({ params: { slug } })
  }
]

/** Starts from a suspended tenant, and ends with one that is active. */
const RESUME: (typeof CHANGES)[number] = {
  name: "a resumption",
  steps: ["SignerClient.ensure-account", "provePublishing", "TenantStore.applied"],
  ask: (api, slug) => api.tenants.resume({ params: { slug } }),
  after: { status: "active", plan: "free" },
  undo: (api, slug) => api.tenants.suspend({ params: { slug } })
}

describe("core killed", () => {
  for (const { name, steps, ask, after, undo } of [...CHANGES, RESUME]) {
    it.live(
      `at any step of ${name}: the next core finishes it, with the same account, and servers do as it says`,
      () =>
        Effect.gen(function* () {
          const servers = yield* startServers()
          yield* startSigner(servers)
          const slug = "acme" as TenantSlug
          const user = yield* withCore(servers, (api) =>
            Effect.gen(function* () {
              yield* api.tenants.create({ payload: { slug, name: "Acme", plan: "free" } })
              const issued = yield* issue(api, slug)
              if (name === RESUME.name) yield* undo(api, slug)
              return issued
            })
          )
          const account = yield* accountsOf(servers, slug)
          for (const span of steps) {
            yield* Effect.scoped(runKilled(servers, { span, tenant: slug }, (api) => ask(api, slug)))
            yield* withCore(servers, (api) =>
              Effect.gen(function* () {
                yield* waitUntil(
                  `${name} is in force after a kill at ${span}`,
                  Effect.map(
                    api.tenants.get({ params: { slug } }),
                    (tenant) =>
                      tenant.appliedGeneration === tenant.generation &&
                      tenant.status === after.status &&
                      tenant.plan === after.plan
                  )
                )
                assert.deepStrictEqual(yield* accountsOf(servers, slug), account, span)
                // One more than the smaller plan lets in.
                const clients = yield* Effect.all(
                  Array.from({ length: 11 }, () => Effect.exit(connectAs(servers, user)))
                )
                const inside = clients.filter(Exit.isSuccess).length
                assert.strictEqual(inside, after.status === "suspended" ? 0 : after.plan === "pro" ? 11 : 10, span)
                yield* undo(api, slug)
                const { generation, appliedGeneration } = yield* api.tenants.get({ params: { slug } })
                const { lastError } = yield* api.health.get({ params: { slug } })
                assert.strictEqual(appliedGeneration, generation, lastError)
              }).pipe(Effect.scoped)
            )
          }
        }),
      120_000
    )
  }

  it.live(
    "at any step of a creation: the next core finishes it, with the same keys and nothing twice",
    () =>
      Effect.gen(function* () {
        const servers = yield* startServers()
        yield* startSigner(servers)
        yield* withCore(servers, (api) => waitUntil("the default tenant", isActive(api, "default")))
        for (const [index, span] of CREATE_STEPS.entries()) {
          const slug = `made-${index}` as TenantSlug
          const payload = { slug, name: slug, plan: "free" } as const
          yield* Effect.scoped(runKilled(servers, { span, tenant: slug }, (api) => api.tenants.create({ payload })))
          const before = yield* accountsOf(servers, slug)
          yield* withCore(servers, (api) =>
            Effect.gen(function* () {
              yield* waitUntil(`${slug} is active after a kill at ${span}`, isActive(api, slug))
              const after = yield* accountsOf(servers, slug)
              assert.lengthOf(after, 1, span)
              if (before.length > 0) assert.deepStrictEqual(after, before, span)
              const collector = yield* connectAs(servers, yield* issue(api, slug))
              assert.strictEqual((yield* publish(collector, "events.x")).stream, `events-${slug}`)
            })
          )
        }
      }),
    120_000
  )

  it.live(
    "at any step of a deletion: the next core finishes it, and its report says that nothing is left",
    () =>
      Effect.gen(function* () {
        const servers = yield* startServers()
        yield* startSigner(servers)
        for (const [index, span] of DELETE_STEPS.entries()) {
          const slug = `gone-${index}` as TenantSlug
          const params = { slug }
          const user = yield* withCore(servers, (api) =>
            Effect.gen(function* () {
              yield* api.tenants.create({ payload: { slug, name: slug, plan: "free" } })
              return yield* issue(api, slug)
            })
          )
          yield* Effect.scoped(runKilled(servers, { span, tenant: slug }, (api) => api.tenants.delete({ params })))
          yield* withCore(servers, (api) =>
            Effect.gen(function* () {
              yield* waitUntil(
                `${slug} is gone after a kill at ${span}`,
                Effect.map(api.tenants.erasures({ params }), (reports) => reports.length > 0)
              )
              const [report, ...more] = yield* api.tenants.erasures({ params })
              assert.deepStrictEqual(more, [])
              assert.deepInclude(report, { database: { schema: false, role: false } })
            })
          )
          assert.deepStrictEqual(yield* accountsOf(servers, slug), [])
          assert.isTrue(Exit.isFailure(yield* Effect.exit(connectAs(servers, user))), span)
        }
      }),
    120_000
  )
})

describe("the signer away", () => {
  it.live("a tenant waits for its account, says so, and becomes active by itself", () =>
    Effect.gen(function* () {
      const servers = yield* startServers()
      const api = yield* startCoreOn(servers, { CORE_PROVISION_WAIT_MS: "200" })
      const payload = { slug: "acme" as TenantSlug, name: "Acme", plan: "free" } as const
      const waiting = yield* api.tenants.create({ payload })
      assert.deepInclude(waiting, { status: "provisioning", generation: 1, appliedGeneration: 0 })
      yield* waitUntil(
        "health says what it waits for",
        Effect.map(api.health.get({ params: { slug: "acme" } }), ({ lastError = "" }) =>
          lastError.includes("account-signer")
        )
      )
      yield* startSigner(servers)
      yield* waitUntil("active", isActive(api, "acme"), "30 seconds")
    })
  )

  it.live("delays what is asked for a tenant that works, and not its events", () =>
    Effect.gen(function* () {
      const servers = yield* startServers()
      const api = yield* startCoreOn(servers, { CORE_PROVISION_WAIT_MS: "200" })
      const slug = "acme" as TenantSlug
      const params = { slug }
      const collector = yield* Effect.gen(function* () {
        const scope = yield* Scope.make()
        yield* startSigner(servers).pipe(Scope.provide(scope))
        yield* api.tenants.create({ payload: { slug, name: "Acme", plan: "free" } })
        yield* waitUntil("active", isActive(api, slug), "30 seconds")
        const user = yield* issue(api, slug)
        yield* Scope.close(scope, Exit.void)
        return yield* connectAs(servers, user)
      })
      assert.deepInclude(yield* api.tenants.change({ params, payload: { plan: "pro" } }), {
        plan: "pro",
        generation: 2,
        appliedGeneration: 1
      })
      yield* publish(collector, "events.x", ocsfEvent(slug, 1))
      yield* waitUntil(
        "the row",
        Effect.map(
          query(servers, "select from tenant_acme.ocsf_events where unmapped ? 'number'"),
          (rows) => rows.length === 1
        )
      )
      const health = yield* api.health.get({ params })
      assert.include(health.lastError ?? "", "account-signer")
      yield* startSigner(servers)
      yield* waitUntil("the plan is in force", isActive(api, slug), "30 seconds")
    })
  )
})
