import { randomUUID } from "node:crypto"
import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, layer } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Redacted, Scope } from "effect"
import { Claims, Database, Replicas, TenantRuns, TenantSchemas, TenantStats, TenantStore } from "../src/index.ts"
import { LaneStore } from "../src/LaneStore.ts"
import { batchOf, LANE, newTenant, slug, storage } from "./fixtures.ts"

const LIFETIME_MS = 60_000

const join = Effect.fnUntraced(function* (lifetimeMs = LIFETIME_MS) {
  const id = randomUUID()
  const session = yield* (yield* Replicas).open({ id, name: "test", lifetimeMs })
  yield* session.renew
  return { id, ...session }
})

const idsOf = (members: ReadonlyArray<{ readonly id: string }>) => members.map(({ id }) => id)

layer(storage, { excludeTestServices: true })("replicas and claims", (it) => {
  describe("Replicas", () => {
    it.effect("know each other as long as their sessions last", () =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const stays = yield* join()
        const goes = yield* join().pipe(Scope.provide(scope))
        assert.sameMembers(idsOf((yield* stays.renew).members), [stays.id, goes.id])
        yield* Scope.close(scope, Exit.void)
        yield* waitUntil(
          "the one without a session is out",
          Effect.map(stays.renew, ({ members }) => idsOf(members).join() === stays.id)
        )
        yield* stays.leave
      })
    )

    it.effect("take out one that does not renew, and end whatever it has open", () =>
      Effect.gen(function* () {
        const { sql } = yield* Database
        const { url = Redacted.make("") } = sql.config
        const elsewhere = yield* Layer.build(
          Layer.fresh(Replicas.layer.pipe(Layer.provideMerge(Database.layerWith({ url }))))
        )
        const frozen = yield* join().pipe(Effect.provideContext(elsewhere))
        const { sql: its } = Context.get(elsewhere, Database)
        yield* its.withTransaction(Effect.andThen(its`lock bulkhead.erasures`, Effect.never)).pipe(Effect.forkScoped)
        const locks = sql`select from pg_locks where relation = 'bulkhead.erasures'::regclass`
        yield* waitUntil(
          "it holds a lock",
          Effect.map(locks, (rows) => rows.length > 0)
        )
        const watching = yield* join()
        yield* sql`update bulkhead.core_replicas set seen_at = seen_at - interval '61 seconds'`
        assert.deepStrictEqual(idsOf((yield* watching.renew).members), [watching.id])
        yield* waitUntil(
          "its lock is gone",
          Effect.map(locks, (rows) => rows.length === 0)
        )
        assert.strictEqual((yield* Effect.flip(frozen.renew)).reason._tag, "DatabaseUnavailable")
        yield* watching.leave
      })
    )

    it.effect("hear of tenants, members and claims that changed", () =>
      Effect.gen(function* () {
        const listening = yield* join()
        yield* listening.notices
        const other = yield* join()
        assert.deepStrictEqual(yield* listening.notices, [{ kind: "replicas" }])
        yield* (yield* TenantStore).create({ slug: slug("heard"), name: "Heard", plan: "free" })
        assert.deepStrictEqual(yield* listening.notices, [{ kind: "tenant", slug: "heard" }])
        const claims = yield* Claims
        yield* claims.take(other.id, "tenant", ["heard"])
        yield* claims.release(other.id, "tenant", ["heard"])
        assert.deepStrictEqual(yield* listening.notices, [{ kind: "released" }])
        yield* Effect.andThen(other.leave, listening.leave)
      })
    )
  })

  describe("Claims", () => {
    it.effect("give each name to one member, until it gives it back or is out", () =>
      Effect.gen(function* () {
        const claims = yield* Claims
        const first = yield* join()
        const second = yield* join()
        assert.sameMembers([...(yield* claims.take(first.id, "tenant", ["a", "b"]))], ["a", "b"])
        assert.sameMembers([...(yield* claims.take(second.id, "tenant", ["a", "b", "c"]))], ["c"])
        assert.sameMembers([...(yield* claims.take(second.id, "duty", ["a"]))], ["a"])
        yield* claims.release(first.id, "tenant", ["a"])
        assert.sameMembers([...(yield* claims.take(second.id, "tenant", ["a", "b"]))], ["a"])
        yield* first.leave
        assert.sameMembers([...(yield* claims.take(second.id, "tenant", ["a", "b"]))], ["a", "b"])
        assert.sameMembers([...(yield* claims.held(second.id, "tenant"))], ["a", "b", "c"])
        assert.strictEqual(yield* claims.count(second.id, "tenant"), 3)
        yield* second.leave
      })
    )

    it.effect("give nothing to one that is no member", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* (yield* Claims).take(randomUUID(), "tenant", ["nobodys"]), [])
      })
    )

    it.effect("give each of many names once to two who ask at the same time", () =>
      Effect.gen(function* () {
        const claims = yield* Claims
        const members = [yield* join(), yield* join()]
        const names = Array.from({ length: 500 }, (_, index) => `many-${index}`)
        const taken = yield* Effect.forEach(members, ({ id }) => claims.take(id, "tenant", names), { concurrency: 2 })
        assert.sameMembers(taken.flat(), names)
        yield* Effect.forEach(members, ({ leave }) => leave)
      })
    )
  })

  describe("TenantRuns", () => {
    it.effect("are known to all, and gone with their tenant", () =>
      Effect.gen(function* () {
        const runs = yield* TenantRuns
        yield* newTenant("runner")
        const run = {
          tenant: slug("runner"),
          status: "degraded" as const,
          reason: "its lane fails",
          heldBy: "rate" as const,
          restarts: 2,
          lastError: "its lane fails",
          rowsWritten: 3_000_000_000,
          deadLetters: 1,
          lastCommitAt: new Date(0)
        }
        const replica = randomUUID()
        yield* runs.write(replica, [
          { ...run, restarts: 1 },
          { ...run, tenant: slug("never-made") }
        ])
        yield* runs.write(replica, [run])
        const [known, ...more] = yield* runs.read(["runner", "never-made"])
        assert.deepStrictEqual(more, [])
        assert.deepInclude(known, { ...run, replica })
        const { sql } = yield* Database
        yield* sql`delete from bulkhead.tenants where slug = 'runner'`
        assert.deepStrictEqual(yield* runs.read(["runner"]), [])
      })
    )
  })

  describe("many tenants at once", () => {
    it.effect("are intact until somebody takes away schema, role or right", () =>
      Effect.gen(function* () {
        const schemas = yield* TenantSchemas
        const { sql } = yield* Database
        const slugs = ["whole", "unowned", "schemaless", "roleless"].map(slug)
        for (const tenant of slugs) yield* newTenant(tenant)
        assert.sameMembers([...(yield* schemas.intact([...slugs, slug("never-made")]))], slugs)
        yield* sql`set role tenant_schemaless`
        yield* sql`drop schema tenant_schemaless cascade`
        yield* sql`reset role`
        yield* sql`revoke tenant_roleless from current_user`
        yield* sql`update bulkhead.tenant_schemas set version = 0 where tenant = 'unowned'`
        assert.sameMembers([...(yield* schemas.intact(slugs))], ["whole"])
        for (const tenant of slugs) yield* schemas.provision(tenant)
        assert.sameMembers([...(yield* schemas.intact(slugs))], slugs)
      })
    )

    it.effect("are asked for their lanes as their own roles, and the connection keeps none of them", () =>
      Effect.gen(function* () {
        const stats = yield* TenantStats
        const lanes = yield* LaneStore
        const { sql } = yield* Database
        const slugs = ["asked-a", "asked-b", "asked-c"].map(slug)
        for (const tenant of slugs) yield* newTenant(tenant)
        for (const tenant of slugs.slice(0, 2)) {
          const { lane } = yield* lanes.open(tenant, LANE)
          yield* lanes.commit(batchOf(tenant, 0, 3, { laneId: lane.id }))
        }
        const found = yield* stats.lanesOf(slugs)
        assert.deepStrictEqual([...found.keys()], ["asked-a", "asked-b"])
        assert.deepInclude(found.get(slug("asked-a"))?.[0], { lane: LANE, watermark: 3, rows: 3, deadLetters: 0 })
        assert.deepStrictEqual(yield* stats.lanesOf([]), new Map())
        const failure = yield* Effect.flip(stats.lanesOf([slug("asked-a"), slug("never-made")]))
        assert.strictEqual(failure.reason._tag, "StatementRefused")
        const [current] = yield* sql<{ role: string }>`select current_user::text as role`
        assert.strictEqual(current?.role, "application")
      })
    )
  })
})
