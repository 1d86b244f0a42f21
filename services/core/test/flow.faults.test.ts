import { cpSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { startCore } from "../testing/coreHarness.ts"
import { ocsfEvent } from "../testing/events.ts"

const EVENTS = 600

/** Publishes 600 numbered events; `half` is done when 200 of them are acknowledged. */
const publishUnder = Effect.fnUntraced(function* (core: Effect.Success<ReturnType<typeof startCore>>) {
  const begun = yield* Deferred.make<void>()
  const fiber = yield* Effect.forEach(
    Array.from({ length: EVENTS }, (_, number) => number),
    (number) =>
      core
        .publish("acme", "events.poller.health", ocsfEvent("acme", number))
        .pipe(Effect.andThen(number === 200 ? Deferred.succeed(begun, undefined) : Effect.void))
  ).pipe(Effect.forkScoped)
  yield* Deferred.await(begun)
  return fiber
})

const assertAllStoredOnce = Effect.fnUntraced(function* (core: Effect.Success<ReturnType<typeof startCore>>) {
  yield* core.awaitStored("acme", EVENTS)
  const rows = yield* core.stored("acme")
  assert.deepStrictEqual(
    rows.map((row) => row.number),
    Array.from({ length: EVENTS }, (_, number) => number)
  )
})

const startWithAcme = Effect.gen(function* () {
  const core = yield* startCore()
  yield* core.api.tenants.create({ payload: { slug: "acme" as TenantSlug, name: "Acme", plan: "free" } })
  return core
})

describe("PostgreSQL stopped and started during the flow", () => {
  it.live("loses and doubles nothing", () =>
    Effect.gen(function* () {
      const core = yield* startWithAcme
      const publishing = yield* publishUnder(core)
      yield* core.postgres.stop
      yield* Fiber.join(publishing)
      yield* core.postgres.start
      yield* assertAllStoredOnce(core)
    })
  )
})

describe("PostgreSQL killed during the flow", () => {
  it.live("loses and doubles nothing", () =>
    Effect.gen(function* () {
      const core = yield* startWithAcme
      const publishing = yield* publishUnder(core)
      yield* core.postgres.kill
      yield* Fiber.join(publishing)
      yield* core.postgres.start
      yield* assertAllStoredOnce(core)
    })
  )
})

describe("nats-server stopped and started during the flow", () => {
  it.live("loses and doubles nothing", () =>
    Effect.gen(function* () {
      const core = yield* startWithAcme
      const publishing = yield* publishUnder(core)
      yield* core.nats.stop
      const isDegraded = Effect.map(
        core.api.health.get({ params: { slug: "acme" } }),
        ({ status }) => status === "degraded"
      )
      yield* waitUntil("the lane has noticed", isDegraded)
      yield* core.nats.start
      yield* Fiber.join(publishing)
      yield* assertAllStoredOnce(core)
    })
  )
})

describe("nats-server killed during the flow", () => {
  it.live("loses and doubles nothing", () =>
    Effect.gen(function* () {
      const core = yield* startWithAcme
      const publishing = yield* publishUnder(core)
      yield* core.nats.kill
      yield* core.nats.start
      yield* Fiber.join(publishing)
      yield* assertAllStoredOnce(core)
    })
  )
})

describe("nats-server back with fewer messages than it had acknowledged", () => {
  it.live("writes what is published afterwards, although its numbers were used before", () =>
    Effect.gen(function* () {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "bulkhead-regress-"))),
        (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
      )
      const core = yield* startCore({}, { natsFolder: join(folder, "nats") })
      yield* core.api.tenants.create({ payload: { slug: "acme" as TenantSlug, name: "Acme", plan: "free" } })
      const publish = (from: number, to: number) =>
        Effect.forEach(
          Array.from({ length: to - from }, (_, index) => from + index),
          (number) => core.publish("acme", "events.poller.health", ocsfEvent("acme", number))
        )
      const store = join(folder, "nats", "jetstream")
      yield* publish(0, 20)
      yield* core.awaitStored("acme", 20)
      yield* core.nats.stop
      cpSync(store, join(folder, "older"), { recursive: true })
      yield* core.nats.start
      yield* publish(20, 40)
      yield* core.awaitStored("acme", 40)
      yield* core.nats.stop
      rmSync(store, { recursive: true })
      cpSync(join(folder, "older"), store, { recursive: true })
      yield* core.nats.start
      yield* publish(40, 50)
      const all = Array.from({ length: 50 }, (_, number) => number).join()
      const numbers = Effect.map(core.stored("acme"), (rows) =>
        [...new Set(rows.map((row) => row.number))].sort((a, b) => a - b)
      )
      yield* waitUntil(
        "every number is stored",
        Effect.map(numbers, (stored) => stored.join() === all)
      )
      const lanes = yield* core.query<{ lane: string }>("select lane from tenant_acme.watermarks order by lane")
      assert.match(lanes.map(({ lane }) => lane).join(), /^(events-acme@[^#,]+),\1#2$/)
    })
  )
})
