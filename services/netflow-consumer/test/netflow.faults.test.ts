/** Whatever is killed, each flow is in its tenant's tables and sums once. */
import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { flow, startWorld } from "./harness.ts"

type World = Effect.Success<typeof startWorld>

const FLOWS = 1_500
/** Small batches, so that a kill falls between two of them, or into one. */
const SMALL_BATCHES = { NETFLOW_BATCH_MESSAGES_MAX: "50", NETFLOW_BATCH_AGE_MS: "20" }
const EXPECTED = Array.from({ length: FLOWS }, (_, index) => index + 1)

/** Flows in order, each twice with the same id, as a publisher repeats when an acknowledgement is lost. */
const publishAll = (world: World, slug: string) =>
  Effect.forEach(
    EXPECTED,
    (packets) =>
      Effect.gen(function* () {
        yield* world.publish(`${slug}.netflow.flows`, flow(packets), `${slug}-${packets}`)
        if (packets % 10 === 0) yield* world.publish(`${slug}.netflow.flows`, flow(packets), `${slug}-${packets}`)
      }),
    { discard: true }
  )

const sums = (world: World, slug: string) =>
  world.query<{ minutes: number; hours: number; packets: number }>(
    `select (select sum(flows) from tenant_${slug}.netflow_minutes)::int4 as minutes,
       (select sum(flows) from tenant_${slug}.netflow_hours)::int4 as hours,
       (select sum(packets) from tenant_${slug}.netflow_hours)::int4 as packets`
  )

const assertOnce = Effect.fnUntraced(function* (world: World, slug: string) {
  assert.deepStrictEqual(yield* world.flowsOf(slug), EXPECTED)
  // Sampled by ten.
  const packets = (10 * FLOWS * (FLOWS + 1)) / 2
  assert.deepStrictEqual(yield* sums(world, slug), [{ minutes: FLOWS, hours: FLOWS, packets }])
  const [activity] = yield* world.query(`select count(*)::int4 as count from tenant_${slug}.ocsf_network_activity`)
  assert.deepStrictEqual(activity, { count: FLOWS })
})

describe("netflow-consumer", () => {
  it.live(
    "loses and doubles no flow when it is killed between batches, and when the one that stood by takes over",
    () =>
      Effect.gen(function* () {
        const world = yield* startWorld
        for (const slug of ["acme", "globex"]) yield* world.addTenantWithStream(slug)
        const first = yield* world.startConsumer(SMALL_BATCHES)
        const second = yield* world.startConsumer(SMALL_BATCHES)
        yield* waitUntil(
          "one has the lanes, and the other stands by, ready",
          Effect.all([first.metrics, second.metrics, second.readiness]).pipe(
            Effect.map(
              ([active, standby, ready]) =>
                active.includes("bulkhead_netflow_lanes 2") &&
                standby.includes("bulkhead_netflow_lanes 0") &&
                ready.includes('"lanes":"ok"')
            )
          ),
          "30 seconds"
        )
        const publishing = yield* Effect.forkChild(
          Effect.forEach(["acme", "globex"], (slug) => publishAll(world, slug), { concurrency: 2 })
        )
        yield* world.awaitFlows("acme", 200)
        yield* first.kill
        yield* world.awaitFlows("acme", 500)
        yield* second.kill
        yield* Fiber.join(publishing)
        yield* world.startConsumer(SMALL_BATCHES)
        for (const slug of ["acme", "globex"]) {
          yield* world.awaitFlows(slug, FLOWS)
          yield* assertOnce(world, slug)
        }
      })
  )
})
