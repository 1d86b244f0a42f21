/** What is in the messages, and tables that are not as they were. */
import { schemaName } from "@bulkhead/channels"
import { Clock, Effect, Random } from "effect"
import { type Fault, fault, must, sleepSome } from "../Fault.ts"
import { POISON, REFUSED_ROW, REFUSED_STATUS } from "../poison.ts"
import type { TenantLoad } from "../TenantLoad.ts"
import type { World } from "../World.ts"

/** What was sent before is written when this is. */
const passed = Effect.fnUntraced(function* (world: World, tenant: TenantLoad) {
  yield* tenant.publish(1)
  yield* must(yield* world.caughtUp([tenant]), `the lane of "${tenant.slug}" does not get past it`)
})

const poison = fault("poison of each kind", (world) =>
  Effect.gen(function* () {
    for (const kind of POISON) {
      const tenant = yield* Random.choice(world.tenants)
      yield* tenant.poison(kind)
    }
    yield* Effect.forEach(world.tenants, (tenant) => passed(world, tenant), { concurrency: "unbounded" })
    return `${POISON.length} messages of ${new Set(POISON.map(({ reason }) => reason)).size} reasons`
  })
)

const ROWS_REFUSED = 8

/** A constraint of one tenant's table forbids some rows, which stand in the middle of good ones. */
const refusedRows = fault("rows that PostgreSQL refuses", (world) =>
  Effect.gen(function* () {
    const tenant: TenantLoad = yield* Random.choice(world.tenants)
    const alter = `alter table ${schemaName(tenant.slug)}.ocsf_events`
    yield* Effect.acquireRelease(
      world.query(`${alter} add constraint refused check (status is distinct from '${REFUSED_STATUS}')`),
      () => world.query(`${alter} drop constraint refused`)
    )
    for (let row = 0; row < ROWS_REFUSED; row++) {
      yield* Effect.all([tenant.poison(REFUSED_ROW), tenant.publish(3)], { concurrency: 2 })
    }
    yield* passed(world, tenant)
    return `${ROWS_REFUSED} of "${tenant.slug}"`
  })
)

const REPEATS = 200

const duplicates = fault("events published again under their ids", (world) =>
  Effect.gen(function* () {
    let total = 0
    for (const tenant of world.tenants) {
      yield* tenant.publish(20)
      const { sent, known } = yield* tenant.repeat(REPEATS)
      yield* must(known === sent, `the stream of "${tenant.slug}" knew ${known} of ${sent} repeated events`)
      total += sent
    }
    return `${total} events`
  })
)

const DAY_MS = 86_400_000

const hasPartition = ({ query }: World, tenant: TenantLoad, time: Date) =>
  Effect.map(
    query(`select from pg_class where relnamespace = $1::regnamespace and relname like '%' || $2`, [
      schemaName(tenant.slug),
      `${time.getUTCFullYear()}_${String(time.getUTCMonth() + 1).padStart(2, "0")}`
    ]),
    (tables) => tables.length > 0
  )

/** Events of the last year, of next month, and of times that no partition is made for. */
const missingMonths = fault("events of months without a partition", (world) =>
  Effect.gen(function* () {
    const tenant: TenantLoad = yield* Random.choice(world.tenants)
    const now = yield* Clock.currentTimeMillis
    const month = yield* Random.nextIntBetween(2, 11)
    const times = [new Date(now - month * 30 * DAY_MS), new Date(now + 28 * DAY_MS), new Date(1e9), new Date(2e14)]
    const missing = yield* Effect.filter(times, (time) =>
      Effect.map(hasPartition(world, tenant, time), (there) => !there)
    )
    yield* Effect.forEach(times, (time) => tenant.publish(20, time), { concurrency: "unbounded" })
    yield* passed(world, tenant)
    return `20 events each of ${times.map((time) => time.toISOString().slice(0, 7)).join(", ")}; ${missing.length} had none`
  })
)

/** An operator takes a partition that is written to out of its table, and keeps it under another name. */
const takenAway = fault("this month's partition taken away", (world) =>
  Effect.gen(function* () {
    const tenant: TenantLoad = yield* Random.choice(world.tenants)
    const schema = schemaName(tenant.slug)
    const now = new Date(yield* Clock.currentTimeMillis)
    const month = `${now.getUTCFullYear()}_${String(now.getUTCMonth() + 1).padStart(2, "0")}`
    const kept = `kept_${yield* Random.nextIntBetween(0, 1_000_000)}_ocsf_events`
    yield* world.query(`do $$ begin
      alter table ${schema}.ocsf_events detach partition ${schema}.ocsf_events_${month};
      alter table ${schema}.ocsf_events_${month} rename to ${kept};
    end $$`)
    yield* passed(world, tenant)
    // The next core finds the month without a partition, and its rows elsewhere.
    yield* world.core.kill
    yield* world.core.start
    yield* passed(world, tenant)
    return `"${schema}"."ocsf_events_${month}"`
  })
)

/** Events of odd times have no place at all then: they wait until an operator gives it back. */
const defaultTakenAway = fault("the default partition taken away", (world) =>
  Effect.gen(function* () {
    const tenant: TenantLoad = yield* Random.choice(world.tenants)
    const table = `${schemaName(tenant.slug)}.ocsf_events`
    yield* Effect.acquireRelease(world.query(`alter table ${table} detach partition ${table}_default`), () =>
      world.query(`alter table ${table} attach partition ${table}_default default`)
    )
    yield* tenant.publish(20, new Date(1e9))
    yield* tenant.publish(20)
    return `of "${tenant.slug}" for ${yield* sleepSome(500, world.longestMs)} ms`
  })
)

export const dataFaults: ReadonlyArray<Fault> = [
  poison,
  refusedRows,
  duplicates,
  missingMonths,
  takenAway,
  defaultTakenAway
]
