import type { TenantSlug } from "@bulkhead/channels"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { startCore } from "./coreHarness.ts"
import { ocsfEvent } from "./events.ts"

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
      yield* Effect.sleep("1 second")
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
