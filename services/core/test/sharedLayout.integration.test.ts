import type { TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { FlagStore, PREFIX_MODE } from "@bulkhead/flags"
import { assert, describe, it } from "@effect/vitest"
import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect, Layer } from "effect"
import { startCore, startCoreIn, startSurroundings } from "../testing/coreHarness.ts"
import { ocsfEvent } from "../testing/events.ts"

const SHARED = { CORE_LAYOUT: "shared" }
const params = { slug: "acme" }

const start = Effect.fnUntraced(function* (environment: Record<string, string> = {}) {
  const core = yield* startCore({ ...SHARED, ...environment })
  const operator = yield* Effect.acquireRelease(
    Effect.promise(() => connect({ servers: core.nats.url })),
    (open) => Effect.promise(() => open.close())
  )
  const manager = yield* Effect.promise(() => jetstreamManager(operator))
  const subjects = Effect.promise(async () => (await manager.streams.info("events")).config.subjects)
  const create = (slug: string) =>
    core.api.tenants.create({ payload: { slug: slug as TenantSlug, name: slug, plan: "free" } })
  return { ...core, operator, manager, subjects, create }
})

describe("the shared layout", () => {
  it.live("has one stream whose subjects follow the tenants, and core's writers write from it", () =>
    Effect.gen(function* () {
      const core = yield* start()
      for (const slug of ["acme", "globex"]) yield* core.create(slug)
      assert.deepStrictEqual(yield* core.subjects, ["acme.>", "default.>", "globex.>"])
      for (const tenant of ["acme", "globex"]) {
        const ack = yield* core.publish(tenant, "events.x", ocsfEvent(tenant, 1))
        assert.strictEqual(ack.stream, "events")
        yield* core.awaitStored(tenant, 1)
        assert.deepStrictEqual(yield* core.stored(tenant), [{ owner: tenant, number: 1 }])
      }
      const names = yield* Effect.promise(async () =>
        (await core.manager.streams.list().next()).map((s) => s.config.name)
      )
      assert.notInclude(names.join(), "events-")
    })
  )

  it.live("takes a tenant's messages and subjects out when it is deleted, and the report says what was found", () =>
    Effect.gen(function* () {
      const core = yield* start({ CORE_EVENT_WRITER: "off" })
      for (const slug of ["acme", "globex"]) yield* core.create(slug)
      for (let number = 0; number < 5; number += 1) {
        for (const tenant of ["acme", "globex"]) yield* core.publish(tenant, `logs.x.${number}`, ocsfEvent(tenant, 1))
      }
      const report = yield* core.api.tenants.delete({ params })
      if (!("erasedAt" in report)) return assert.fail("the deletion did not finish in time")
      assert.deepStrictEqual(report.sharedStream, { name: "events", messages: 0 })
      assert.deepStrictEqual(yield* core.subjects, ["default.>", "globex.>"])
      const left = yield* Effect.promise(() => core.manager.streams.info("events", { subjects_filter: ">" }))
      const tenantsLeft = new Set(Object.keys(left.state.subjects ?? {}).map((subject) => subject.split(".")[0]))
      // Of `default` there may be lifecycle messages, or not yet.
      tenantsLeft.delete("default")
      assert.deepStrictEqual([...tenantsLeft], ["globex"])
      // A tenant of the same slug begins where the stream stands now.
      yield* core.create("acme")
      const [lane] = yield* core.query<{ seq: bigint }>("select seq from tenant_acme.watermarks")
      assert.isAtLeast(Number(lane?.seq ?? 0), 10)
    })
  )

  it.live("writes what was sent without a prefix before tenant default was there", () =>
    Effect.gen(function* () {
      const surroundings = yield* startSurroundings({ ...SHARED, NATS_TENANT_PREFIX_MODE: "both" })
      const collector = yield* Effect.acquireRelease(
        Effect.promise(() => connect({ servers: surroundings.nats.url })),
        (open) => Effect.promise(() => open.close())
      )
      yield* Effect.promise(async () => {
        const manager = await jetstreamManager(collector)
        await manager.streams.add({ name: "events", subjects: ["events.>"] })
        await collector.request("events.x", ocsfEvent("old", 1))
      })
      const core = yield* startCoreIn(surroundings)
      yield* core.awaitStored("default", 1)
      assert.deepStrictEqual(yield* core.stored("default"), [{ owner: "old", number: 1 }])
    })
  )

  it.live(
    "follows the prefix mode without a restart, and what the stream took before is written all the same",
    () =>
      Effect.gen(function* () {
        const core = yield* start({ NATS_TENANT_PREFIX_MODE: "both" })
        yield* core.create("acme")
        const flags = yield* Effect.provideContext(
          FlagStore,
          yield* Layer.build(FlagStore.layer(Effect.succeed(core.operator)))
        )
        const publishRaw = (subject: string, owner: string, number: number) =>
          Effect.promise(() => core.operator.request(subject, ocsfEvent(owner, number)))
        yield* publishRaw("events.x", "old", 1)
        yield* publishRaw("acme.events.x", "acme", 1)
        yield* flags.set(PREFIX_MODE, { kind: "everyone" }, "legacy")
        yield* waitUntil(
          "prefixed subjects are gone",
          Effect.map(core.subjects, (subjects) => !subjects.includes("acme.>"))
        )
        yield* publishRaw("events.x", "old", 2)
        yield* flags.set(PREFIX_MODE, { kind: "everyone" }, "prefixed")
        yield* waitUntil(
          "unprefixed subjects are gone",
          Effect.map(core.subjects, (subjects) => subjects.join() === "acme.>,default.>")
        )
        yield* publishRaw("acme.events.x", "acme", 2)
        yield* core.awaitStored("default", 2)
        yield* core.awaitStored("acme", 2)
        assert.deepStrictEqual(
          (yield* core.stored("default")).map(({ number }) => number),
          [1, 2]
        )
        assert.deepStrictEqual(
          (yield* core.stored("acme")).map(({ number }) => number),
          [1, 2]
        )
      }),
    90_000
  )
})
