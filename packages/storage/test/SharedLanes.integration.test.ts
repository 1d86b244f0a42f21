import { waitUntil } from "@bulkhead/devstack"
import { assert, layer } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { Database, type HeldTenant, SharedLanes } from "../src/index.ts"
import { slug, storage } from "./fixtures.ts"

const held = (tenant: string, reason: HeldTenant["reason"]): HeldTenant => ({
  tenant: slug(tenant),
  reason,
  problem: `${tenant} is ${reason}`
})

const source = (createdAt: string) => ({ stream: "events", createdAt })

layer(storage, { excludeTestServices: true, timeout: "60 seconds" })("SharedLanes", (it) => {
  it.effect("begins at 0, and keeps the watermark together with who is held", () =>
    Effect.gen(function* () {
      const session = yield* (yield* SharedLanes).open(source("a"))
      assert.deepInclude(yield* session.place, { watermark: 0, held: [] })
      yield* session.keep(10, [held("acme", "slow"), held("globex", "behind")])
      yield* session.keep(5_000_000_000, [held("acme", "refused"), held("initech", "behind")])
      const place = yield* session.place
      assert.strictEqual(place.watermark, 5_000_000_000)
      assert.deepStrictEqual(place.held, [held("acme", "refused"), held("initech", "behind")])
      assert.deepInclude(yield* (yield* (yield* SharedLanes).open(source("b"))).place, { watermark: 0, held: [] })
    })
  )

  it.effect("has one writer at a time; the next one takes over when its session ends", () =>
    Effect.gen(function* () {
      const lanes = yield* SharedLanes
      const second = yield* lanes.open(source("c"))
      yield* Effect.scoped(
        Effect.gen(function* () {
          const first = yield* lanes.open(source("c"))
          assert.isTrue(yield* first.isOnlyWriter)
          assert.isFalse(yield* second.isOnlyWriter)
          assert.isFalse(yield* (yield* lanes.open(source("of another time"))).isOnlyWriter)
        })
      )
      yield* waitUntil("the place is free", second.isOnlyWriter)
    })
  )

  it.effect("fails once its session is lost, whatever the pool can do", () =>
    Effect.gen(function* () {
      const session = yield* (yield* SharedLanes).open(source("d"))
      yield* session.place
      yield* session.keep(1, [])
      const { sql } = yield* Database
      yield* sql`select pg_terminate_backend(pid) from pg_stat_activity
        where pid <> pg_backend_pid() and query like '%shared_lanes%'`
      assert.isTrue(Exit.isFailure(yield* Effect.exit(session.check)))
      assert.isTrue(Exit.isFailure(yield* Effect.exit(session.keep(2, []))))
      const again = yield* (yield* SharedLanes).open(source("d"))
      assert.strictEqual((yield* again.place).watermark, 1)
    })
  )
})
