import { writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Servers } from "@bulkhead/account-signer/testing"
import { credsFile, NKey } from "@bulkhead/accounts"
import type { TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { EventPublisher, layerTenantPublishers } from "@bulkhead/nats"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Redacted } from "effect"
import { ocsfEvent } from "../testing/events.ts"
import { connectAs, issue, publish, query, startPlatform } from "../testing/lifecycleHarness.ts"

const acme = { slug: "acme" as TenantSlug, name: "Acme", plan: "pro" } as const
const params = { slug: "acme" }

/** The test's own events among acme's rows. */
const numbered = (servers: Servers) => query(servers, "select from tenant_acme.ocsf_events where unmapped ? 'number'")

describe("the life of a tenant", () => {
  it.live("is created with credentials that publish, and its rows arrive", () =>
    Effect.gen(function* () {
      const { servers, api } = yield* startPlatform()
      const tenant = yield* api.tenants.create({ payload: acme })
      assert.deepInclude(tenant, { status: "active", generation: 1, appliedGeneration: 1 })
      const collector = yield* connectAs(servers, yield* issue(api, "acme"))
      assert.strictEqual(
        (yield* publish(collector, "events.poller.health", ocsfEvent("acme", 1))).stream,
        "events-acme"
      )
      yield* waitUntil(
        "the row",
        Effect.map(numbered(servers), (rows) => rows.length === 1)
      )
    })
  )

  it.live("suspended, its clients are cut and none gets in; resumed, they are back, and nothing is lost", () =>
    Effect.gen(function* () {
      const { servers, api } = yield* startPlatform()
      yield* api.tenants.create({ payload: acme })
      const user = yield* issue(api, "acme")
      const collector = yield* connectAs(servers, user)
      yield* publish(collector, "events.poller.health", ocsfEvent("acme", 1))
      const suspended = yield* api.tenants.suspend({ params })
      assert.deepInclude(suspended, { status: "suspended", generation: 2, appliedGeneration: 2 })
      yield* waitUntil(
        "cut",
        Effect.sync(() => collector.isClosed())
      )
      assert.isTrue(Exit.isFailure(yield* Effect.exit(connectAs(servers, user))))
      assert.deepInclude(yield* api.tenants.resume({ params }), { status: "active", appliedGeneration: 3 })
      const back = yield* connectAs(servers, user)
      yield* publish(back, "events.poller.health", ocsfEvent("acme", 2))
      yield* waitUntil(
        "both rows",
        Effect.map(numbered(servers), (rows) => rows.length === 2)
      )
    })
  )

  it.live("changes plan, and the server holds it to the new limits", () =>
    Effect.gen(function* () {
      const { servers, api } = yield* startPlatform()
      yield* api.tenants.create({ payload: { ...acme, plan: "free" } })
      const user = yield* issue(api, "acme")
      const connect = () => Effect.exit(connectAs(servers, user))
      const outcomes = yield* Effect.all(Array.from({ length: 11 }, connect))
      assert.lengthOf(outcomes.filter(Exit.isSuccess), 10)
      assert.deepInclude(yield* api.tenants.change({ params, payload: { plan: "pro" } }), {
        plan: "pro",
        appliedGeneration: 2
      })
      assert.isTrue(Exit.isSuccess(yield* connect()))
      // Eleven are connected: a limit of its own counts before the plan's.
      yield* api.tenants.change({ params, payload: { limits: { connections: 11 } } })
      assert.isTrue(Exit.isFailure(yield* connect()))
      yield* api.tenants.change({ params, payload: { limits: { connections: null } } })
      assert.isTrue(Exit.isSuccess(yield* connect()))
    })
  )

  it.live("changes plan and is resumed also when its clients use all its connections", () =>
    Effect.gen(function* () {
      const { servers, api } = yield* startPlatform()
      yield* api.tenants.create({ payload: acme })
      const user = yield* issue(api, "acme")
      yield* Effect.all(
        Array.from({ length: 12 }, () => connectAs(servers, user, { reconnect: true, reconnectTimeWait: 20 }))
      )
      assert.deepInclude(yield* api.tenants.change({ params, payload: { plan: "free" } }), {
        plan: "free",
        appliedGeneration: 2
      })
      assert.deepInclude(yield* api.tenants.suspend({ params }), { appliedGeneration: 3 })
      // They knock all the time, and are in before anybody else.
      assert.deepInclude(yield* api.tenants.resume({ params }), { status: "active", appliedGeneration: 4 })
    })
  )

  it.live("deleted, nothing of it is left, and the report says so; the slug is free for another tenant", () =>
    Effect.gen(function* () {
      const { servers, api } = yield* startPlatform()
      const first = yield* api.tenants.create({ payload: acme })
      const user = yield* issue(api, "acme")
      const collector = yield* connectAs(servers, user)
      yield* publish(collector, "events.poller.health", ocsfEvent("acme", 1))
      const report = yield* api.tenants.delete({ params })
      if (!("erasedAt" in report)) return assert.fail("the deletion did not finish in time")
      assert.deepInclude(report, { tenantId: first.id, slug: "acme", database: { schema: false, role: false } })
      assert.strictEqual(report.account.connections, 0)
      assert.match(report.account.credentials, /authorization/i)
      assert.isTrue(collector.isClosed())
      assert.isTrue(Exit.isFailure(yield* Effect.exit(connectAs(servers, user))))
      const left = yield* query(
        servers,
        `select nspname as name from pg_namespace where nspname = 'tenant_acme'
         union select rolname from pg_roles where rolname = 'tenant_acme'
         union select owner from bulkhead_signer.sealed_secrets where owner = 'acme'
         union select tenant from bulkhead_signer.accounts where tenant = 'acme'`
      )
      assert.deepStrictEqual(left, [])
      assert.deepStrictEqual(yield* api.tenants.erasures({ params }), [report])
      const again = yield* api.tenants.create({ payload: acme })
      assert.notStrictEqual(again.id, first.id)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(connectAs(servers, user))))
      const successor = yield* connectAs(servers, yield* issue(api, "acme"))
      assert.strictEqual((yield* publish(successor, "events.poller.health")).stream, "events-acme")
    })
  )
})

describe("credentials", () => {
  it.live("are issued, listed and revoked, and the audit knows of each", () =>
    Effect.gen(function* () {
      const { servers, api } = yield* startPlatform()
      yield* api.tenants.create({ payload: acme })
      const payload = { role: "collector", name: "site-1", purpose: "syslog of site 1", expiresInDays: 1 } as const
      const issued = yield* api.credentials.issue({ params, payload })
      assert.match(issued.creds ?? "", /BEGIN USER NKEY SEED/)
      const user = yield* issue(api, "acme")
      const connection = yield* connectAs(servers, user)
      const publicKey = user.user.publicKey
      assert.isDefined((yield* api.credentials.revoke({ params: { ...params, publicKey } })).revokedAt)
      yield* waitUntil(
        "cut",
        Effect.sync(() => connection.isClosed()),
        "1 second"
      )
      const listed = yield* api.credentials.list({ params })
      assert.deepInclude(
        listed.map(({ name, revokedAt }) => [name, revokedAt !== undefined]),
        ["collector-1", true]
      )
      const audit = yield* api.credentials.audit({ params })
      assert.isTrue(audit.some(({ subject, details }) => subject === issued.user.publicKey && /site 1/.test(details)))
    })
  )

  it.live("rotate while a publisher works: no message is lost, and the old one is refused after the overlap", () =>
    Effect.gen(function* () {
      const { servers, api } = yield* startPlatform()
      yield* api.tenants.create({ payload: acme })
      const old = yield* issue(api, "acme")
      const before = yield* connectAs(servers, old)
      for (let number = 1; number <= 20; number++) yield* publish(before, "events.x", ocsfEvent("acme", number))
      const payload = { expiresInDays: 1, overlapSeconds: 1 } as const
      const successor = yield* api.credentials.rotate({
        params: { ...params, publicKey: old.user.publicKey },
        payload
      })
      assert.deepInclude(successor.user, { role: "collector", name: "collector-1", purpose: "a test" })
      // Both are good now: nothing is lost whenever the publisher changes over.
      for (let number = 21; number <= 40; number++) yield* publish(before, "events.x", ocsfEvent("acme", number))
      yield* waitUntil(
        "the old one is cut",
        Effect.sync(() => before.isClosed())
      )
      assert.isTrue(Exit.isFailure(yield* Effect.exit(connectAs(servers, old))))
      yield* waitUntil(
        "every message",
        Effect.map(numbered(servers), (rows) => rows.length === 40)
      )
    })
  )

  it.live("are exchanged under a publisher that never stops: each message is stored, and none twice", () =>
    Effect.gen(function* () {
      const { servers, api } = yield* startPlatform()
      yield* api.tenants.create({ payload: acme })
      const old = yield* issue(api, "acme")
      const file = join(servers.folder, "acme.creds")
      const use = ({ claims, key }: typeof old) => writeFileSync(file, Redacted.value(credsFile(claims, key)))
      use(old)
      const nats = { servers: [servers.nats.url] }
      const layer = layerTenantPublishers({ tenants: [acme.slug], credsFolder: servers.folder, nats })
      const publisher = yield* Effect.provideContext(EventPublisher, yield* Layer.build(layer))
      let published = 0
      const publishing = yield* publisher.publishWithTenant(acme.slug, "events.x", ocsfEvent("acme", 1)).pipe(
        Effect.tap(() => Effect.sync(() => (published += 1))),
        Effect.forever,
        Effect.forkScoped
      )
      const publishMore = (what: string, more: number) =>
        Effect.suspend(() => {
          const enough = published + more
          return waitUntil(
            what,
            Effect.sync(() => published >= enough)
          )
        })
      yield* publishMore("messages with the old credential", 50)
      const key = NKey.make("user")
      const { claims, user } = yield* api.credentials.rotate({
        params: { ...params, publicKey: old.user.publicKey },
        payload: { expiresInDays: 1, overlapSeconds: 1, publicKey: key.publicKey }
      })
      use({ claims, key, user })
      yield* waitUntil(
        "the old credential is refused",
        Effect.map(Effect.exit(Effect.scoped(connectAs(servers, old))), Exit.isFailure)
      )
      yield* publishMore("messages with its successor", 50)
      yield* Fiber.interrupt(publishing)
      yield* waitUntil(
        "every message, and no more",
        Effect.map(numbered(servers), (rows) => rows.length >= published)
      )
      // What was interrupted may be stored without having been counted.
      assert.isAtMost((yield* numbered(servers)).length, published + 1)
    })
  )

  it.live("say what is wrong with a request", () =>
    Effect.gen(function* () {
      const { api } = yield* startPlatform()
      const payload = { role: "collector", name: "x", purpose: "y", expiresInDays: 1 } as const
      const unknown = yield* Effect.flip(api.credentials.issue({ params: { slug: "nobody" }, payload }))
      assert.strictEqual(unknown._tag, "TenantUnknownProblem")
      const refused = yield* Effect.flip(api.tenants.delete({ params: { slug: "default" } }))
      assert.strictEqual(refused._tag, "RefusedProblem")
    })
  )
})
