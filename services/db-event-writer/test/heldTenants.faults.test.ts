/** One tenant's trouble is its own: the others go on, and nothing of it is lost. Tests share servers and a writer. */
import { schemaName, type TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { kill, metrics, ocsfEvent, type Running, readiness, type Shared, startShared } from "./harness.ts"

interface World {
  readonly shared: Shared
  readonly writer: Running
}

class TheWorld extends Context.Service<TheWorld, World>()("test/TheWorld") {
  static readonly layer = Layer.effect(
    TheWorld,
    Effect.gen(function* () {
      const shared = yield* startShared()
      return { shared, writer: yield* shared.startWriter({ DB_EVENT_WRITER_SLOW_MS: "500" }) }
    })
  )
}

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, index) => from + index)

const publishAll = (shared: Shared, tenant: string, which: ReadonlyArray<number>) =>
  Effect.forEach(which, (number) => shared.publish(`${tenant}.events.x`, ocsfEvent(tenant, number)))

const assertStored = Effect.fnUntraced(function* (shared: Shared, tenant: string, count: number) {
  yield* shared.awaitStored(tenant, count)
  assert.deepStrictEqual(
    (yield* shared.stored(tenant)).map(({ owner, number }) => `${owner} ${number}`),
    numbers(count).map((number) => `${tenant} ${number}`)
  )
})

const reasonOf = (shared: Shared, tenant: string) =>
  Effect.map(shared.held, (held) => held.find((one) => one.tenant === tenant)?.reason)

const awaitHeld = (shared: Shared, tenant: string, reason: string | undefined) =>
  waitUntil(
    `${tenant} is ${reason ?? "not held"}`,
    Effect.map(reasonOf(shared, tenant), (now) => now === reason),
    "40 seconds"
  )

/** A lane of its own leaves no consumer behind. */
const consumersOf = (shared: Shared) =>
  Effect.flatMap(shared.streams, (manager) =>
    Effect.promise(async () => (await manager.consumers.list("events").next()).map(({ name }) => name))
  )

const lettersOf = Effect.fnUntraced(function* (shared: Shared, tenant: string) {
  const table = `${schemaName(tenant as TenantSlug)}.dead_letters`
  const [found] = yield* shared.query<{ isKept: boolean }>(`select to_regclass('${table}') is not null as "isKept"`)
  if (found?.isKept !== true) return []
  const letters = yield* shared.query<{ payload: Uint8Array }>(`select payload from ${table} order by sequence`)
  return letters.map(({ payload }) => new TextDecoder().decode(payload))
})

layer(TheWorld.layer, { excludeTestServices: true, timeout: "120 seconds" })("db-event-writer", (it) => {
  describe("a tenant whose role is broken", () => {
    it.effect(
      "is held back and stops nobody, and goes along once it is mended",
      () =>
        Effect.gen(function* () {
          const { shared } = yield* TheWorld
          yield* shared.createTenants(["broken", "fine-1"])
          yield* shared.query("revoke insert on tenant_broken.ocsf_events from tenant_broken")
          for (const tenant of ["broken", "fine-1"]) yield* publishAll(shared, tenant, numbers(30))
          yield* assertStored(shared, "fine-1", 30)
          yield* awaitHeld(shared, "broken", "refused")
          yield* shared.query("grant insert on tenant_broken.ocsf_events to tenant_broken")
          yield* assertStored(shared, "broken", 30)
          yield* awaitHeld(shared, "broken", undefined)
          yield* waitUntil(
            "no consumer is left",
            Effect.map(consumersOf(shared), (names) => names.join() === "db-event-writer")
          )
        }),
      90_000
    )
  })

  describe("a tenant whose table is locked", () => {
    it.effect(
      "is held back when its commit takes too long, and the others go on meanwhile",
      () =>
        Effect.gen(function* () {
          const { shared } = yield* TheWorld
          yield* shared.createTenants(["locked", "fine-2"])
          yield* publishAll(shared, "locked", numbers(1))
          yield* assertStored(shared, "locked", 1)
          yield* Effect.gen(function* () {
            const sql = yield* PgClient.PgClient
            yield* Effect.gen(function* () {
              yield* sql`lock table tenant_locked.ocsf_events in access exclusive mode`
              yield* publishAll(shared, "locked", numbers(30, 1))
              yield* publishAll(shared, "fine-2", numbers(30))
              yield* assertStored(shared, "fine-2", 30)
              yield* awaitHeld(shared, "locked", "slow")
              yield* publishAll(shared, "fine-2", numbers(30, 30))
              yield* assertStored(shared, "fine-2", 60)
            }).pipe(sql.withTransaction)
          }).pipe(Effect.provide(PgClient.layer({ url: shared.database, maxConnections: 1 })))
          yield* assertStored(shared, "locked", 31)
          yield* awaitHeld(shared, "locked", undefined)
        }),
      90_000
    )
  })

  describe("a deleted tenant", () => {
    it.effect(
      "is forgotten with its messages, and one of the same slug gets none of them",
      () =>
        Effect.gen(function* () {
          const { shared } = yield* TheWorld
          yield* shared.createTenants(["leaver"])
          yield* publishAll(shared, "leaver", numbers(20))
          yield* assertStored(shared, "leaver", 20)
          // The writer has messages of it when it goes.
          yield* shared.query("revoke insert on tenant_leaver.ocsf_events from tenant_leaver")
          yield* publishAll(shared, "leaver", numbers(20, 20))
          yield* awaitHeld(shared, "leaver", "refused")
          const report = yield* shared.api.tenants.delete({ params: { slug: "leaver" } })
          if (!("erasedAt" in report)) return assert.fail("the deletion did not finish in time")
          assert.deepStrictEqual(report.sharedStream, { name: "events", messages: 0 })
          yield* awaitHeld(shared, "leaver", undefined)
          yield* shared.createTenants(["leaver"])
          yield* shared.publish("leaver.events.x", ocsfEvent("successor", 0))
          yield* shared.awaitStored("leaver", 1)
          assert.deepStrictEqual(yield* shared.stored("leaver"), [{ owner: "successor", number: 0 }])
        }),
      90_000
    )
  })

  describe("a suspended tenant", () => {
    it.effect("keeps being written", () =>
      Effect.gen(function* () {
        const { shared } = yield* TheWorld
        yield* shared.createTenants(["paused"])
        yield* shared.api.tenants.suspend({ params: { slug: "paused" } })
        yield* publishAll(shared, "paused", numbers(10))
        yield* assertStored(shared, "paused", 10)
      })
    )
  })

  describe("poison", () => {
    it.effect("becomes the tenant's own dead letters, and the rest is written", () =>
      Effect.gen(function* () {
        const { shared, writer } = yield* TheWorld
        yield* shared.createTenants(["sick", "fine-3"])
        const poison = ["not json", "{}", JSON.stringify({ id: "x", class_uid: 1008 }), "[1]", '{"id":"\\u0000"}']
        for (const [index, text] of poison.entries()) {
          yield* shared.publish("sick.events.x", text)
          yield* shared.publish("sick.events.x", ocsfEvent("sick", index))
          yield* shared.publish("fine-3.events.x", ocsfEvent("fine-3", index))
        }
        for (const tenant of ["sick", "fine-3"]) yield* assertStored(shared, tenant, poison.length)
        assert.deepStrictEqual(yield* lettersOf(shared, "sick"), poison)
        assert.deepStrictEqual(yield* lettersOf(shared, "fine-3"), [])
        assert.match(yield* metrics(writer), /bulkhead_lane_dead_letters_total\{tenant="sick",reason="\w+"\} \d/)
      })
    )
  })

  describe("a tenant without a schema, and one that nobody knows", () => {
    it.effect(
      "wait, also over a kill, and stop nobody; they are written once they have a home",
      () =>
        Effect.gen(function* () {
          const { shared, writer } = yield* TheWorld
          yield* shared.createTenants(["homeless", "unknown", "fine-4"])
          // Core would make the schema anew, and take the subjects out.
          yield* kill(shared.core)
          yield* shared.query("alter schema tenant_homeless rename to elsewhere")
          yield* shared.query("delete from bulkhead.tenants where slug = 'unknown'")
          yield* shared.query("alter schema tenant_unknown rename to far_away")
          for (const tenant of ["homeless", "unknown", "fine-4"]) yield* publishAll(shared, tenant, numbers(50))
          yield* assertStored(shared, "fine-4", 50)
          yield* awaitHeld(shared, "homeless", "not_provisioned")
          yield* awaitHeld(shared, "unknown", "unknown_tenant")
          assert.match(yield* metrics(writer), /bulkhead_shared_lane_held_tenants\{reason="unknown_tenant"\} 1/)
          assert.isTrue((yield* readiness(writer)).ok)
          yield* kill(writer)
          yield* shared.startWriter()
          yield* publishAll(shared, "fine-4", numbers(10, 50))
          yield* assertStored(shared, "fine-4", 60)
          yield* shared.query("alter schema elsewhere rename to tenant_homeless")
          yield* shared.query("alter schema far_away rename to tenant_unknown")
          yield* shared.query(
            "insert into bulkhead.tenants (slug, name, plan, status) values ('unknown', 'Known', 'free', 'active')"
          )
          for (const tenant of ["homeless", "unknown"]) {
            yield* assertStored(shared, tenant, 50)
            yield* awaitHeld(shared, tenant, undefined)
            yield* publishAll(shared, tenant, numbers(10, 50))
            yield* assertStored(shared, tenant, 60)
          }
        }),
      120_000
    )
  })
})
