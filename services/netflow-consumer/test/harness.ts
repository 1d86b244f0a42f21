/**
 * Real servers, what core would have made of tenants and streams, and netflow-consumer as a process of its own under a
 * login that may write lanes and nothing else.
 */
import { fileURLToPath } from "node:url"
import { type PrefixMode, schemaName, type TenantSlug } from "@bulkhead/channels"
import { freePort, startNatsServer, startPostgresServer, startServerProcess, waitUntil } from "@bulkhead/devstack"
import { ensureStream, Nats, planSharedStream, planTenantStream } from "@bulkhead/nats"
import {
  Database,
  DeadLetters,
  migrateControlSchema,
  storageLayer,
  TenantSchemas,
  TenantStats,
  TenantStore
} from "@bulkhead/storage"
import { PgClient } from "@effect/sql-pg"
import { jetstream } from "@nats-io/jetstream"
import { Effect, Layer, Redacted } from "effect"

const PASSWORD = "hidden-pass"
const entryOf = (service: string) => fileURLToPath(new URL(`../../${service}/src/main.ts`, import.meta.url))
const entries = {
  "netflow-consumer": entryOf("netflow-consumer"),
  "db-event-writer": entryOf("db-event-writer"),
  "zen-consumer": entryOf("zen-consumer"),
  "edge-collector": entryOf("edge-collector")
} as const

/** What a stream of tests may hold. */
export const STREAM_SETTINGS = { maxBytes: 50_000_000, maxAgeMs: 3_600_000 }

/** A flow in JSON; `packets` tells flows apart. */
export const flow = (packets: number, change: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    src_addr: "10.0.0.1",
    dst_addr: "192.0.2.1",
    src_port: 51_000,
    dst_port: 443,
    protocol: 6,
    packets,
    bytes: packets * 100,
    sampling_rate: 10,
    ...change
  })

export const startWorld = Effect.gen(function* () {
  const nats = yield* startNatsServer()
  const postgres = yield* startPostgresServer()
  const database = yield* postgres.createDatabase("bulkhead")
  const services = yield* Layer.build(
    Layer.mergeAll(
      PgClient.layer({ url: database, maxConnections: 2 }),
      Nats.layerWith({ servers: [nats.url] }),
      storageLayer.pipe(Layer.provideMerge(Database.layerWith({ url: database })))
    )
  )
  const query = <A extends object>(text: string) =>
    Effect.flatMap(PgClient.PgClient, (sql) => sql.unsafe<A>(text)).pipe(Effect.provideContext(services))
  yield* query("create role bulkhead_lane_writers nologin")
  yield* query(`create role netflow_consumer login password '${PASSWORD}' in role bulkhead_lane_writers`)
  yield* migrateControlSchema.pipe(Effect.provideContext(services))
  const loginUrl = new URL(Redacted.value(database))
  loginUrl.username = "netflow_consumer"
  loginUrl.password = PASSWORD
  const environment = { NATS_URL: nats.url, DATABASE_URL: loginUrl.toString() }

  const connection = yield* Effect.flatMap(Nats, (one) => one.connection).pipe(Effect.provideContext(services))
  const client = jetstream(connection)

  const provision = (slug: string) =>
    Effect.flatMap(TenantSchemas, (schemas) => schemas.provision(slug as TenantSlug)).pipe(
      Effect.provideContext(services)
    )
  /** A tenant with its schema; `default` is there from the start. */
  const addTenant = Effect.fnUntraced(function* (slug: string) {
    const store = yield* TenantStore
    if (slug !== "default") yield* store.create({ slug: slug as TenantSlug, name: slug, plan: "free" })
    yield* provision(slug)
  }, Effect.provideContext(services))
  /** … and a stream of its own. */
  const addTenantWithStream = Effect.fnUntraced(function* (slug: string, mode: PrefixMode = "prefixed") {
    yield* addTenant(slug)
    const planned = planTenantStream({ tenant: slug as TenantSlug, mode, settings: STREAM_SETTINGS })
    if (planned !== undefined) yield* ensureStream(planned)
  }, Effect.provideContext(services))

  /** The stream of all tenants, as it is in a prefix mode. */
  const ensureShared = (tenants: ReadonlyArray<string>, mode: PrefixMode) =>
    ensureStream(
      planSharedStream({ tenants: tenants as ReadonlyArray<TenantSlug>, mode, settings: STREAM_SETTINGS })
    ).pipe(Effect.provideContext(services))

  const publish = (subject: string, data: string | Uint8Array, msgID?: string) =>
    Effect.promise(() => client.publish(subject, data, msgID === undefined ? {} : { msgID }))

  /** A service until the scope closes. */
  const startService = Effect.fnUntraced(function* (
    name: keyof typeof entries,
    change: Readonly<Record<string, string>> = {}
  ) {
    const opsPort = yield* freePort
    const running = yield* startServerProcess({
      component: name,
      command: process.execPath,
      args: ["--conditions=@bulkhead/source", entries[name]],
      env: { OPS_PORT: String(opsPort), LOG_FORMAT: "json", ...environment, ...change },
      stopSignal: "SIGTERM",
      isReady: (line) => line.includes('"started"')
    })
    const ask = (path: string) => Effect.promise(async () => (await fetch(`http://127.0.0.1:${opsPort}${path}`)).text())
    return { ...running, metrics: ask("/metrics"), readiness: ask("/readyz") }
  })
  const startConsumer = (change: Readonly<Record<string, string>> = {}) =>
    startService("netflow-consumer", { NETFLOW_RECONCILE_MS: "200", ...change })

  /** The packets of a tenant's flows, in the order of the stream; none before the table is there. */
  const flowsOf = Effect.fnUntraced(function* (slug: string) {
    const table = `${schemaName(slug as TenantSlug)}.netflow_metrics`
    const [found] = yield* query<{ isPresent: boolean }>(`select to_regclass('${table}') is not null as "isPresent"`)
    if (found?.isPresent !== true) return []
    const rows = yield* query<{ packets: number }>(
      `select packets::float8 as packets from ${table} order by stream_seq, packets`
    )
    return rows.map(({ packets }) => packets)
  })
  const awaitFlows = (slug: string, count: number) =>
    waitUntil(
      `${count} flows of ${slug}`,
      Effect.map(flowsOf(slug), (rows) => rows.length >= count),
      "60 seconds"
    )
  const counts = (slug: string) =>
    Effect.flatMap(DeadLetters, (letters) => letters.counts(slug as TenantSlug)).pipe(Effect.provideContext(services))
  const lanes = (slug: string) =>
    Effect.flatMap(TenantStats, (stats) => stats.lanes(slug as TenantSlug)).pipe(Effect.provideContext(services))

  return {
    nats,
    services,
    query,
    addTenant,
    addTenantWithStream,
    ensureShared,
    publish,
    startService,
    startConsumer,
    flowsOf,
    awaitFlows,
    counts,
    lanes
  }
})
