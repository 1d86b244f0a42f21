import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { ocsfEvent, readiness, type Shared, startShared } from "./harness.ts"

const TENANTS = ["acme", "globex"] as const
const EVENTS = 600
const numbers = Array.from({ length: EVENTS }, (_, number) => number)

const publishTo = (shared: Shared) =>
  Effect.forEach(
    TENANTS,
    (tenant) => Effect.forEach(numbers, (number) => shared.publish(`${tenant}.events.x`, ocsfEvent(tenant, number))),
    { concurrency: "unbounded", discard: true }
  ).pipe(Effect.forkScoped)

const assertAllStoredOnce = Effect.fnUntraced(function* (shared: Shared) {
  for (const tenant of TENANTS) {
    yield* shared.awaitStored(tenant, EVENTS)
    assert.deepStrictEqual(
      yield* shared.stored(tenant),
      numbers.map((number) => ({ owner: tenant, number }))
    )
  }
})

const begin = Effect.gen(function* () {
  const shared = yield* startShared()
  yield* shared.createTenants(TENANTS)
  const writer = yield* shared.startWriter()
  const publishing = yield* publishTo(shared)
  yield* shared.awaitStored("acme", 50)
  return { shared, writer, publishing }
})

describe("PostgreSQL killed under load", () => {
  it.live(
    "loses and doubles nothing",
    () =>
      Effect.gen(function* () {
        const { shared, writer, publishing } = yield* begin
        yield* shared.postgres.kill
        yield* waitUntil(
          "readiness names it",
          Effect.map(readiness(writer), ({ text }) => text.includes('"postgresql":"does not answer"'))
        )
        yield* shared.postgres.start
        yield* Fiber.join(publishing)
        yield* assertAllStoredOnce(shared)
        yield* waitUntil(
          "it is ready again",
          Effect.map(readiness(writer), ({ ok }) => ok)
        )
      }),
    120_000
  )
})

describe("nats-server killed under load", () => {
  it.live(
    "loses and doubles nothing",
    () =>
      Effect.gen(function* () {
        const { shared, publishing } = yield* begin
        yield* shared.nats.kill
        yield* shared.nats.start
        yield* Fiber.join(publishing)
        yield* assertAllStoredOnce(shared)
      }),
    120_000
  )
})

describe("SIGTERM under load", () => {
  it.live(
    "ends it in order with exit code 130; its standby takes over at once, and nothing is lost or doubled",
    () =>
      Effect.gen(function* () {
        const { shared, writer, publishing } = yield* begin
        const standby = yield* shared.startWriter()
        assert.isTrue((yield* readiness(standby)).ok)
        writer.child.kill("SIGTERM")
        assert.strictEqual(yield* Effect.promise(() => writer.ended), 130)
        assert.match(writer.output(), /"msg":"stopping"/)
        assert.notMatch(writer.output(), /"level":[456]0/)
        yield* Fiber.join(publishing)
        yield* assertAllStoredOnce(shared)
        const kept = Effect.map(shared.query<{ seq: bigint }>("select seq from bulkhead.shared_lanes"), ([row]) =>
          Number(row?.seq ?? 0)
        )
        yield* waitUntil(
          "the low watermark is kept",
          Effect.map(kept, (seq) => seq >= EVENTS * TENANTS.length)
        )
        assert.notMatch(standby.output(), /"level":[56]0/)
      }),
    120_000
  )
})
