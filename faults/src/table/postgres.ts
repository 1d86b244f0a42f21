/** What happens to PostgreSQL: its process, its disk, its locks. */
import { schemaName } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { PgClient } from "@effect/sql-pg"
import { Effect, Random, Schedule } from "effect"
import { type Fault, fault, freeze, must, sleepSome, someMs, stutter } from "../Fault.ts"
import type { TenantLoad } from "../TenantLoad.ts"
import type { World } from "../World.ts"

/** Until the last process of a killed server is gone, the next one refuses to start. */
const START_PATIENCE = Schedule.max([Schedule.spaced("200 millis"), Schedule.recurs(50)])

const down = (how: "stop" | "kill") => (world: World) =>
  Effect.gen(function* () {
    yield* world.postgres[how]
    const downMs = yield* sleepSome(0, Math.min(2_000, world.longestMs))
    yield* world.postgres.start.pipe(Effect.retry(START_PATIENCE))
    return `down for ${downMs} ms`
  })

const coresBackends = ({ query }: World) =>
  query<{ pid: number }>("select pid from pg_stat_activity where usename = 'core' and backend_type = 'client backend'")

/** PostgreSQL ends all its other processes then, and recovers from its log. */
const backendKilled = fault("a backend of PostgreSQL killed (kill -9)", (world) =>
  Effect.gen(function* () {
    const before = (yield* coresBackends(world)).map(({ pid }) => pid)
    yield* must(before.length > 0, "core has no connection")
    const victim = yield* Random.choice(before)
    yield* Effect.sync(() => process.kill(victim, "SIGKILL"))
    const areGone = Effect.map(coresBackends(world), (now) => now.every(({ pid }) => !before.includes(pid)))
    yield* waitUntil("PostgreSQL has ended all its backends", areGone)
    return `one of ${before.length}`
  })
)

/** As when each statement waits for the disk: all answers of PostgreSQL come late. */
const slowAnswers = fault("slow disk of PostgreSQL: late answers", ({ wires, longestMs }) =>
  Effect.gen(function* () {
    const lateMs = yield* someMs(50, 300)
    yield* Effect.acquireRelease(wires.postgres.delayAnswers(lateMs), () => wires.postgres.delayAnswers(0))
    return `each ${lateMs} ms late for ${yield* sleepSome(1_000, longestMs)} ms`
  })
)

const stuttering = fault("slow disk of PostgreSQL: all its processes stutter", ({ postgres, longestMs }) =>
  Effect.flatMap(someMs(1_000, longestMs), (ms) => stutter(postgres, 100, ms))
)

const isWaitedFor = ({ query }: World, table: string) =>
  Effect.map(
    query<{ n: number }>("select count(*)::int as n from pg_locks where not granted and relation = $1::regclass", [
      table
    ]),
    ([row]) => (row?.n ?? 0) > 0
  )

/** Less than core's own `lock_timeout`, at which the waiting tenant makes room by itself. */
const OTHERS_LIMIT = "8 seconds"

/** While another session keeps a table of this tenant to itself, the other tenants must go on. */
const lock = Effect.fnUntraced(function* (world: World, slow: TenantLoad, table: string, holdMs: number) {
  const others = world.tenants.filter((tenant) => tenant !== slow)
  const name = `${schemaName(slow.slug)}.${table}`
  const sql = yield* PgClient.PgClient
  yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* sql.unsafe(`lock table ${name} in access exclusive mode`)
      yield* waitUntil("the tenant's lane waits for the lock", isWaitedFor(world, name))
      yield* Effect.forEach(others, (tenant) => tenant.publish(1))
      const goOn = yield* world.caughtUp(others, OTHERS_LIMIT)
      yield* must(goOn, `for ${OTHERS_LIMIT} another tenant stands still while "${name}" is locked`)
      yield* Effect.sleep(holdMs)
    })
  )
})

/** Each in turn, as tenants may share something with one another and not with a third. */
const slowTenant = (table: "ocsf_events" | "watermarks") =>
  fault(`slow tenant: its ${table} is locked`, (world) =>
    Effect.gen(function* () {
      const holdMs = yield* someMs(0, world.longestMs / world.tenants.length)
      for (const tenant of world.tenants) yield* lock(world, tenant, table, holdMs)
      return `each for ${holdMs} ms, and the others went on`
    }).pipe(Effect.provide(world.pool))
  )

export const postgresFaults: ReadonlyArray<Fault> = [
  fault("PostgreSQL restarted (fast shutdown)", down("stop")),
  fault("PostgreSQL killed (kill -9)", down("kill")),
  backendKilled,
  fault("PostgreSQL frozen (SIGSTOP)", ({ postgres, longestMs }) => freeze(postgres, 500, longestMs)),
  slowAnswers,
  stuttering,
  slowTenant("ocsf_events"),
  slowTenant("watermarks")
]
