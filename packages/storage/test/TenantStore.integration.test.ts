import { DecodeError, decodeOcsfEvent } from "@bulkhead/records"
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Database, migrateControlSchema, Outbox, TenantStore } from "../src/index.ts"
import { slug, storage } from "./fixtures.ts"

const pendingOf = (tenant: string) =>
  Effect.gen(function* () {
    const messages = yield* (yield* Outbox).take(1_000)
    return messages.filter((message) => message.tenant === tenant)
  })

describe("TenantStore", () => {
  layer(storage, { excludeTestServices: true })((it) => {
    it.effect("has the default tenant from the start", () =>
      Effect.gen(function* () {
        const store = yield* TenantStore
        assert.strictEqual((yield* store.get(slug("default"))).status, "provisioning")
        assert.include(
          (yield* store.list).map((tenant) => tenant.slug),
          slug("default")
        )
      })
    )

    it.effect("creates a tenant together with its two messages", () =>
      Effect.gen(function* () {
        const store = yield* TenantStore
        const tenant = yield* store.create({ slug: slug("acme"), name: "Acme & Söhne", plan: "pro" })
        assert.deepStrictEqual(yield* store.get(slug("acme")), tenant)
        const [lifecycle, event, ...more] = yield* pendingOf("acme")
        assert.isEmpty(more)
        assert.strictEqual(lifecycle?.kind, "lifecycle")
        assert.match(lifecycle?.subject ?? "", /lifecycle\.created$/)
        assert.include(lifecycle?.payload, {
          event_type: "tenant.created",
          tenant_id: tenant.id,
          tenant_slug: "acme",
          status: "provisioning",
          plan: "pro"
        })
        assert.strictEqual(event?.subject, "events.ocsf.processed")
        const row = decodeOcsfEvent(new TextEncoder().encode(JSON.stringify(event?.payload)), { now: new Date(0) })
        assert.isFalse(row instanceof DecodeError)
      })
    )

    it.effect("refuses a second tenant of a slug and leaves no message of it", () =>
      Effect.gen(function* () {
        const store = yield* TenantStore
        yield* store.create({ slug: slug("twice"), name: "Twice", plan: "free" })
        const error = yield* Effect.flip(store.create({ slug: slug("twice"), name: "Again", plan: "free" }))
        assert.strictEqual(error.reason._tag, "TenantExists")
        assert.isFalse(error.isRetryable)
        assert.lengthOf(yield* pendingOf("twice"), 2)
      })
    )

    it.effect("counts what is asked for and what is in force, and tells each change once", () =>
      Effect.gen(function* () {
        const store = yield* TenantStore
        const moving = slug("moving")
        yield* store.create({ slug: moving, name: "Moving", plan: "free" })
        const active = yield* store.applied(moving, 1)
        assert.deepInclude(active, { status: "active", generation: 1, appliedGeneration: 1 })
        const asked = yield* store.request(moving, { plan: "pro" })
        assert.deepInclude(asked, { plan: "pro", generation: 2, appliedGeneration: 1 })
        assert.deepInclude(yield* store.request(moving, { plan: "pro" }), { generation: 2 })
        assert.deepInclude(yield* store.request(moving, { status: "suspended" }), { generation: 3 })
        assert.deepInclude(yield* store.applied(moving, 3), { status: "suspended", appliedGeneration: 3 })
        assert.deepInclude(yield* store.applied(moving, 2), { appliedGeneration: 3 })
        const lifecycle = (yield* pendingOf("moving")).filter((message) => message.kind === "lifecycle")
        assert.deepStrictEqual(
          lifecycle.map((message) => message.payload.status),
          ["provisioning", "active", "active", "suspended"]
        )
      })
    )

    it.effect("leaves a tenant that is being made to become active by itself", () =>
      Effect.gen(function* () {
        const store = yield* TenantStore
        yield* store.create({ slug: slug("young"), name: "Young", plan: "free" })
        const asked = yield* store.request(slug("young"), { status: "active" })
        assert.deepInclude(asked, { status: "provisioning", generation: 1 })
      })
    )

    it.effect("takes nothing back from a tenant on its way out, and keeps the report when it is gone", () =>
      Effect.gen(function* () {
        const store = yield* TenantStore
        const leaving = slug("leaving")
        yield* store.create({ slug: leaving, name: "Leaving", plan: "free" })
        const tenant = yield* store.request(leaving, { status: "deleting" })
        for (const wish of [{ plan: "pro" }, { status: "active" }, { status: "suspended" }] as const) {
          const error = yield* Effect.flip(store.request(leaving, wish))
          assert.strictEqual(error.reason._tag, "TenantDeleting")
        }
        assert.deepInclude(yield* store.request(leaving, { status: "deleting" }), { generation: 2 })
        yield* store.erased(tenant, { stream: "gone" })
        yield* store.erased(tenant, { stream: "twice" })
        assert.strictEqual((yield* Effect.flip(store.get(leaving))).reason._tag, "TenantUnknown")
        const erasures = yield* store.erasures(leaving)
        assert.deepStrictEqual(
          erasures.map(({ tenantId, report }) => [tenantId, report]),
          [[tenant.id, { stream: "gone" }]]
        )
        const waiting = yield* pendingOf("leaving")
        assert.deepStrictEqual(
          waiting.map((message) => message.payload.event_type),
          ["tenant.created", "tenant.updated", "tenant.deleted"]
        )
      })
    )

    it.effect("names a tenant it does not know", () =>
      Effect.gen(function* () {
        const store = yield* TenantStore
        for (const attempt of [store.get(slug("nobody")), store.request(slug("nobody"), { status: "active" })]) {
          const error = yield* Effect.flip(attempt)
          assert.strictEqual(error.reason._tag, "TenantUnknown")
          assert.include(error.message, '"nobody"')
        }
      })
    )

    it.effect("treats hostile text as text", () =>
      Effect.gen(function* () {
        const store = yield* TenantStore
        const name = `x'); drop schema bulkhead cascade; --`
        yield* store.create({ slug: slug("hostile"), name, plan: "free" })
        assert.strictEqual((yield* store.get(slug("hostile"))).name, name)
        const error = yield* Effect.flip(store.create({ slug: slug(`a"; drop --`), name, plan: "free" }))
        assert.strictEqual(error.reason._tag, "StatementRefused")
      })
    )
  })
})

describe("Outbox", () => {
  layer(storage, { excludeTestServices: true })((it) => {
    it.effect("gives messages in order, the same until they are marked, and counts what waits", () =>
      Effect.gen(function* () {
        const store = yield* TenantStore
        const outbox = yield* Outbox
        for (const name of ["one", "two"]) yield* store.create({ slug: slug(name), name, plan: "free" })
        const first = yield* outbox.take(3)
        assert.deepStrictEqual(
          first.map((message) => [message.tenant, message.kind]),
          [
            ["one", "lifecycle"],
            ["one", "event"],
            ["two", "lifecycle"]
          ]
        )
        assert.deepStrictEqual(yield* outbox.take(3), first)
        yield* outbox.markPublished(first.map((message) => message.id))
        const pending = yield* outbox.pending
        assert.strictEqual(pending.messages, 1)
        assert.isAtLeast(pending.oldestAgeMs ?? -1, 0)
        yield* outbox.markPublished((yield* outbox.take(10)).map((message) => message.id))
        assert.deepStrictEqual(yield* outbox.pending, { messages: 0, oldestAgeMs: undefined })
      })
    )

    it.effect("lets no tenant's backlog hide another tenant's message", () =>
      Effect.gen(function* () {
        const store = yield* TenantStore
        yield* store.create({ slug: slug("noisy"), name: "noisy", plan: "free" })
        for (let turn = 0; turn < 10; turn++) {
          yield* store.request(slug("noisy"), { plan: turn % 2 === 0 ? "pro" : "free" })
        }
        yield* store.create({ slug: slug("quiet"), name: "quiet", plan: "free" })
        const taken = yield* (yield* Outbox).take(12)
        assert.lengthOf(
          taken.filter((message) => message.tenant === "noisy"),
          10
        )
        assert.lengthOf(
          taken.filter((message) => message.tenant === "quiet"),
          2
        )
      })
    )
  })
})

describe("migrateControlSchema", () => {
  layer(storage, { excludeTestServices: true })((it) => {
    it.effect("runs once, however many processes ask at a time", () =>
      Effect.gen(function* () {
        const { sql } = yield* Database
        yield* sql`drop schema bulkhead cascade`
        const results = yield* Effect.all(
          Array.from({ length: 8 }, () => migrateControlSchema),
          { concurrency: "unbounded" }
        )
        assert.lengthOf(
          results.filter(({ before }) => before === 0),
          1
        )
        assert.lengthOf(yield* (yield* TenantStore).list, 1)
      })
    )
  })
})
