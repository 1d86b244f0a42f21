/**
 * What faults are inflicted on: core as a process, PostgreSQL and nats-server, wires between them that can be cut, and
 * tenants whose publishers send at different rates. One folder holds logs and data.
 */
import { mkdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { schemaName } from "@bulkhead/channels"
import { removePostgresFolder, startNatsServer, startPostgresServer } from "@bulkhead/devstack"
import { Flags } from "@bulkhead/flags"
import { EventPublisher, Nats } from "@bulkhead/nats"
import { PgClient } from "@effect/sql-pg"
import { ConfigProvider, type Duration, Effect, Layer, Logger, Redacted, Schedule } from "effect"
import { audit } from "./audit.ts"
import { startCore } from "./CoreProcess.ts"
import { startTcpProxy } from "./TcpProxy.ts"
import { type Pace, TenantLoad } from "./TenantLoad.ts"

export interface WorldOptions {
  /** Logs and data; what an earlier run left there is removed. */
  readonly folder: string
  /** Over all tenants. */
  readonly eventsPerSecond: number
  /** How long a fault that has a duration may last, milliseconds. */
  readonly longestMs: number
}

/** The tenants, each with a rate of its own; the last one sends little, and much at once. */
const pacesOf = (eventsPerSecond: number): ReadonlyArray<Pace> => [
  { slug: "acme", eventsPerSecond: eventsPerSecond * 0.5, burstMs: 40 },
  { slug: "globex", eventsPerSecond: eventsPerSecond * 0.3, burstMs: 100 },
  { slug: "initech", eventsPerSecond: eventsPerSecond * 0.1, burstMs: 300 },
  { slug: "umbrella-corp", eventsPerSecond: eventsPerSecond * 0.1, burstMs: 1_500 }
]

const PUBLISHER = { ackTimeoutMs: 1_000, deliveryTimeoutMs: 4_000 }
/** Poison is larger than the server would take by default. */
const NATS_CONFIG = "max_payload: 4MB"
const RECOVERY_LIMIT = "90 seconds"
const LOOK_EACH = Schedule.spaced("50 millis")
/** A server that restarts is asked again. */
const ANSWER_PATIENCE = Schedule.max([Schedule.spaced("100 millis"), Schedule.recurs(600)])

/** Core's own login, with the rights it is deployed with. */
const prepareDatabase = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  yield* sql.unsafe("create role core login createrole")
  yield* sql.unsafe("grant create on database faults to core")
})

/** Its log would say what each fault's line says. */
const startPublisher = Effect.fnUntraced(function* (natsUrl: string) {
  const environment = ConfigProvider.layer(ConfigProvider.fromEnvRecord({ NATS_TENANT_PREFIX_ENABLED: "true" }))
  const layer = EventPublisher.layerWith(PUBLISHER).pipe(
    Layer.provide([Flags.layerEnv, Nats.layerWith({ servers: [natsUrl], clientName: "publishers" })]),
    Layer.provide([environment, Logger.layer([])])
  )
  return yield* Effect.provide(EventPublisher, yield* Layer.build(layer))
})

/** Starts everything and gives it the tenants; the load is off at first. */
export const startWorld = Effect.fnUntraced(function* (options: WorldOptions) {
  const { folder, longestMs } = options
  removePostgresFolder(join(folder, "postgres"))
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const nats = yield* startNatsServer({
    folder: join(folder, "nats"),
    logFile: join(folder, "nats-server.log"),
    config: NATS_CONFIG
  })
  const postgres = yield* startPostgresServer({
    folder: join(folder, "postgres"),
    logFile: join(folder, "postgresql.log")
  })
  const databaseUrl = yield* postgres.createDatabase("faults")
  const pool = yield* Layer.build(PgClient.layer({ url: databaseUrl, maxConnections: 4 }))
  yield* Effect.provide(prepareDatabase, pool)
  const wires = {
    /** From core to PostgreSQL. */
    postgres: yield* startTcpProxy(postgres.port),
    /** From core to nats-server. */
    nats: yield* startTcpProxy(nats.port),
    /** From the publishers to nats-server. */
    publishers: yield* startTcpProxy(nats.port)
  }
  const core = yield* startCore({
    folder,
    natsUrl: `nats://127.0.0.1:${wires.nats.port}`,
    databaseUrl: Redacted.value(postgres.url("faults"))
      .replace("postgres@", "core@")
      .replace(`:${postgres.port}`, `:${wires.postgres.port}`)
  })
  yield* core.ready
  const publisher = yield* startPublisher(`nats://127.0.0.1:${wires.publishers.port}`)
  const tenants = pacesOf(options.eventsPerSecond).map((pace, index) => new TenantLoad(pace, index, publisher))
  for (const { slug } of tenants) yield* core.ask("POST", "/v1/tenants", { slug, name: slug, plan: "enterprise" })
  for (const tenant of tenants) yield* Effect.forkScoped(tenant.run)

  /** As superuser, past all wires; waits for a server that restarts. */
  const query = <A extends object>(text: string, values: ReadonlyArray<unknown> = []) =>
    Effect.flatMap(PgClient.PgClient, (sql) => sql.unsafe<A>(text, values)).pipe(
      Effect.retry(ANSWER_PATIENCE),
      Effect.orDie,
      Effect.provide(pool)
    )

  const hasNewest = ({ slug, ledger: { newest } }: TenantLoad) =>
    newest === undefined
      ? Effect.succeed(true)
      : Effect.map(
          query<{ there: boolean }>(
            `select exists (select from ${schemaName(slug)}.ocsf_events where id = $1) as there`,
            [newest.id]
          ),
          ([row]) => row?.there === true
        )

  return {
    folder,
    longestMs,
    nats,
    postgres,
    wires,
    core,
    tenants,
    query,
    pool,
    startLoad: Effect.forEach(tenants, (tenant) => tenant.start, { discard: true }),
    stopLoad: Effect.forEach(tenants, (tenant) => tenant.stop, { concurrency: "unbounded", discard: true }),
    /** Waits until what these tenants have published up to now is stored; false when it is not within the limit. */
    caughtUp: Effect.fnUntraced(function* (
      some: ReadonlyArray<TenantLoad> = tenants,
      limit: Duration.Input = RECOVERY_LIMIT
    ) {
      const wanted = some.map(({ slug, ledger }) => ({ slug, ledger: { newest: ledger.newest } }) as TenantLoad)
      return yield* Effect.forEach(
        wanted,
        (tenant) => Effect.repeat(hasNewest(tenant), { schedule: LOOK_EACH, until: (there) => there }),
        {
          concurrency: "unbounded"
        }
      ).pipe(Effect.as(true), Effect.timeoutOrElse({ duration: limit, orElse: () => Effect.succeed(false) }))
    }),
    audit: audit(tenants.map(({ ledger }) => ledger)).pipe(
      Effect.retry(ANSWER_PATIENCE),
      Effect.orDie,
      Effect.provide(pool)
    )
  }
})

export type World = Effect.Success<ReturnType<typeof startWorld>>
