/**
 * All readers of one stream at once: db-event-writer, zen-consumer and netflow-consumer, while messages come without a
 * prefix, and then with and without. Each message has one reader, and is stored once.
 */
import { randomUUID } from "node:crypto"
import { schemaName, type TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { flow, startWorld } from "./harness.ts"

type World = Effect.Success<typeof startWorld>

const ROUNDS = 40

const event = () =>
  JSON.stringify({
    id: randomUUID(),
    time: new Date().toISOString(),
    class_uid: 1008,
    category_uid: 1,
    type_uid: 100_801,
    activity_id: 1,
    severity_id: 1
  })
const log = () => JSON.stringify({ version: "1.1", host: "gw-1", short_message: "link up", level: 6 })
const metric = () => JSON.stringify({ metric_name: "cpu", value: 1 })

/** Base subjects, what is sent there, and the table that it is for. */
const KINDS = [
  { subject: "events.ocsf.processed", payload: event, table: "ocsf_events" },
  // zen-consumer gives out what is stored.
  { subject: "logs.syslog", payload: log, table: "logs" },
  { subject: "telemetry.cpu", payload: metric, table: "timeseries_metrics" },
  { subject: "netflow.flows", payload: () => flow(1), table: "netflow_metrics" },
  { subject: "flows.raw.sflow", payload: () => flow(1), table: "netflow_metrics" },
  { subject: "events.netflow", payload: () => flow(1), table: "netflow_metrics" }
] as const
const TABLES = [...new Set(KINDS.map(({ table }) => table))]

/** Rounds of all kinds, with each of the prefixes. */
const publishMix = Effect.fnUntraced(function* (world: World, prefixes: ReadonlyArray<string>) {
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { subject, payload } of KINDS) {
      yield* Effect.forEach(prefixes, (prefix) => world.publish(`${prefix}${subject}`, payload()), {
        concurrency: "unbounded"
      })
    }
  }
})

const expected = (factor: number) =>
  Object.fromEntries(
    TABLES.map((table) => [table, factor * ROUNDS * KINDS.filter((kind) => kind.table === table).length])
  )

/** Rows by table, and how many messages they came from. */
const stored = Effect.fnUntraced(function* (world: World, slug: string) {
  const schema = schemaName(slug as TenantSlug)
  const rows: Record<string, number> = {}
  const messages: Record<string, number> = {}
  for (const table of TABLES) {
    const [found] = yield* world.query<{ isPresent: boolean }>(
      `select to_regclass('${schema}.${table}') is not null as "isPresent"`
    )
    if (found?.isPresent !== true) continue
    const [count] = yield* world.query<{ rows: number; messages: number }>(
      `select count(*)::int4 as rows, count(distinct (stream_seq, lane_id))::int4 as messages from ${schema}.${table}`
    )
    rows[table] = count?.rows ?? 0
    messages[table] = count?.messages ?? 0
  }
  return { rows, messages }
})

const assertStored = Effect.fnUntraced(function* (world: World, slug: string, factor: number) {
  const wanted = expected(factor)
  yield* waitUntil(
    `the messages of ${slug}`,
    Effect.map(stored(world, slug), ({ rows }) => TABLES.every((table) => (rows[table] ?? 0) >= (wanted[table] ?? 0))),
    "60 seconds"
  )
  assert.deepStrictEqual(yield* stored(world, slug), { rows: wanted, messages: wanted })
  assert.deepStrictEqual(yield* world.counts(slug), {})
})

describe("mixed traffic in one stream", () => {
  it.live("is read by one service each, and stored once, in the modes legacy and both", () =>
    Effect.gen(function* () {
      const world = yield* startWorld
      for (const slug of ["default", "acme", "globex"]) yield* world.addTenant(slug)
      yield* world.ensureShared(["default"], "legacy")
      yield* world.startService("zen-consumer", { ZEN_RECONCILE_MS: "200" })
      yield* world.startService("db-event-writer")
      yield* world.startConsumer()
      yield* publishMix(world, [""])
      yield* assertStored(world, "default", 1)
      yield* world.ensureShared(["default", "acme", "globex"], "both")
      yield* publishMix(world, ["", "default.", "acme.", "globex."])
      yield* assertStored(world, "default", 3)
      for (const slug of ["acme", "globex"]) yield* assertStored(world, slug, 1)
    })
  )
})
