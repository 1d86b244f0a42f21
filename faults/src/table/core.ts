/** What happens to core itself. */
import { waitUntil } from "@bulkhead/devstack"
import { Effect, Random } from "effect"
import { type Fault, fault, freeze, must, sleepSome } from "../Fault.ts"
import type { World } from "../World.ts"

/** Core needs about so long to start. */
const START_MS = 1_200
const HOUR_MS = 3_600_000

const killAndStart = Effect.fnUntraced(function* ({ core }: World, downMsMax: number) {
  yield* core.kill
  const downMs = yield* sleepSome(0, downMsMax)
  yield* core.start
  return downMs
})

/** While it runs, and one time in three again while it starts. */
export const KILL: Fault = fault("core killed (kill -9)", (world) =>
  Effect.gen(function* () {
    const afterMs = yield* sleepSome(0, 700)
    const downMs = yield* killAndStart(world, 300)
    const text = `after ${afterMs} ms, down for ${downMs} ms`
    if ((yield* Random.next) > 1 / 3) return text
    const startingMs = yield* sleepSome(0, START_MS)
    yield* killAndStart(world, 0)
    return `${text}, again ${startingMs} ms into its start`
  })
)

const stopped = fault("core stopped (SIGTERM)", ({ core }) =>
  Effect.gen(function* () {
    yield* core.stop
    const downMs = yield* sleepSome(0, 1_000)
    yield* core.start
    return `down for ${downMs} ms`
  })
)

const frozen = fault("core frozen (SIGSTOP)", ({ core, longestMs }) => freeze(core, 500, longestMs))

/** How far core's clock is from ours, by what it says of its last commit of a tenant that publishes all the time. */
const skewSeen = ({ core, tenants }: World) =>
  Effect.map(
    core.ask<{ lastCommitAt?: string }>("GET", `/health/tenants/${tenants[0]?.slug}`),
    (health) => Date.parse(health?.lastCommitAt ?? "") - Date.now()
  )

const seesClock = (world: World, skewMs: number) =>
  waitUntil(
    "core's clock is set",
    Effect.map(skewSeen(world), (seenMs) => Math.abs(seenMs - skewMs) < HOUR_MS / 2),
    "30 seconds"
  )

/**
 * The clock jumps while core runs, core is killed and starts with it, and then the clock is set right again: whatever
 * core has remembered of the wrong time must not keep it from coming back when its connections are cut.
 */
const skewed = (direction: "ahead" | "back", sign: 1 | -1) =>
  fault(`clock of core ${direction} by hours`, (world) =>
    Effect.gen(function* () {
      const hours = sign * (yield* Random.nextIntBetween(1, 13))
      yield* Effect.acquireRelease(world.core.skewClock(hours * HOUR_MS), () => world.core.skewClock(0))
      yield* seesClock(world, hours * HOUR_MS)
      const repeated = yield* Effect.forEach(world.tenants, (tenant) => tenant.repeat(100))
      yield* killAndStart(world, 0)
      yield* must(yield* world.caughtUp(), "core does not go on after a start with a wrong clock")
      yield* seesClock(world, hours * HOUR_MS)
      yield* world.core.skewClock(0)
      yield* seesClock(world, 0)
      yield* Effect.all([world.wires.nats.cut, world.wires.postgres.cut])
      return `${hours} h, ${repeated.reduce((sum, { sent }) => sum + sent, 0)} events sent again`
    })
  )

export const coreFaults: ReadonlyArray<Fault> = [KILL, stopped, frozen, skewed("ahead", 1), skewed("back", -1)]
