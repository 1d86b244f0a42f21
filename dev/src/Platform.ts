/**
 * The whole platform on one machine: both servers, core and poller as processes of their own, demo tenants, their
 * sites and their traffic. Everything ends, in reverse order, with the scope.
 */
import { join } from "node:path"
import { CoreApi } from "@bulkhead/core/api"
import {
  freePort,
  type RunningNatsServer,
  type RunningPostgresServer,
  startNatsServer,
  startPostgresServer,
  stopLeftover
} from "@bulkhead/devstack"
import { Flags } from "@bulkhead/flags"
import { EventPublisher, Nats } from "@bulkhead/nats"
import { PgClient } from "@effect/sql-pg"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import { startDemoSite } from "./DemoSite.ts"
import { type DevFolder, openDevFolder } from "./DevFolder.ts"
import { demoTenants } from "./demoTenants.ts"
import { natsAuthorization, natsEnvironment } from "./natsUsers.ts"
import { writePollerChecks } from "./pollerChecks.ts"
import { startService } from "./ServiceProcess.ts"
import { publishTraffic } from "./traffic.ts"

export interface PlatformOptions {
  readonly folder: string
  /** Forgets all data of an earlier run first. */
  readonly reset: boolean
  /** Events a second of each demo tenant. */
  readonly trafficPerSecond: number
  /** Told what is being done, one line a step. */
  readonly onProgress: (line: string) => void
}

const services = { core: "services/core/src/main.ts", poller: "services/poller/src/main.ts" } as const
type ServiceName = keyof typeof services

const pidFileOf = (folder: DevFolder, name: ServiceName): string => join(folder.path, `${name}.pid`)

const DATABASE = "bulkhead"
const CORE_ROLE = "bulkhead_core"

/** Core's own login: no superuser; it may make roles and schemas, and that is all it needs. */
const prepareDatabase = (folder: DevFolder, postgres: RunningPostgresServer) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const password = Redacted.value(folder.secret("postgres-core"))
    const roles = yield* sql`select from pg_roles where rolname = ${CORE_ROLE}`
    if (roles.length === 0) yield* sql.unsafe(`create role ${CORE_ROLE} login createrole password '${password}'`)
    const databases = yield* sql`select from pg_database where datname = ${DATABASE}`
    if (databases.length === 0) yield* sql.unsafe(`create database ${DATABASE} owner ${CORE_ROLE}`)
  }).pipe(Effect.provide(PgClient.layer({ url: postgres.url(), maxConnections: 1 })), Effect.orDie)

/** What both services are told alike. */
const commonEnvironment = (opsPort: number) => ({
  OPS_HOST: "127.0.0.1",
  OPS_PORT: String(opsPort),
  LOG_FORMAT: "json",
  NATS_TENANT_PREFIX_ENABLED: "true"
})

const startCore = Effect.fnUntraced(function* (
  folder: DevFolder,
  nats: RunningNatsServer,
  postgres: RunningPostgresServer
) {
  const [port, opsPort] = [yield* freePort, yield* freePort]
  const password = Redacted.value(folder.secret("postgres-core"))
  const service = yield* startService({
    name: "core",
    entry: services.core,
    env: {
      ...commonEnvironment(opsPort),
      ...natsEnvironment(folder, nats.url, "core"),
      CORE_HTTP_PORT: String(port),
      CORE_API_TOKEN_FILE: folder.secretFile("core-api-token"),
      DATABASE_URL: `postgres://${CORE_ROLE}:${password}@127.0.0.1:${postgres.port}/${DATABASE}`
    },
    readyUrl: `http://127.0.0.1:${opsPort}/readyz`,
    logFile: join(folder.logs, "core.log"),
    pidFile: pidFileOf(folder, "core")
  })
  return { service, url: `http://127.0.0.1:${port}`, opsUrl: `http://127.0.0.1:${opsPort}` }
})

const coreClient = (folder: DevFolder, url: string) =>
  HttpApiClient.make(CoreApi, {
    baseUrl: url,
    transformClient: HttpClient.mapRequest(HttpClientRequest.bearerToken(folder.secret("core-api-token")))
  }).pipe(Effect.provide(FetchHttpClient.layer))

const startPoller = Effect.fnUntraced(function* (folder: DevFolder, nats: RunningNatsServer, checksFile: string) {
  const opsPort = yield* freePort
  const service = yield* startService({
    name: "poller",
    entry: services.poller,
    env: {
      ...commonEnvironment(opsPort),
      ...natsEnvironment(folder, nats.url, "poller"),
      POLLER_CHECKS_FILE: checksFile
    },
    readyUrl: `http://127.0.0.1:${opsPort}/readyz`,
    logFile: join(folder.logs, "poller.log"),
    pidFile: pidFileOf(folder, "poller")
  })
  return { service, opsUrl: `http://127.0.0.1:${opsPort}` }
})

const startTraffic = Effect.fnUntraced(function* (folder: DevFolder, nats: RunningNatsServer, perSecond: number) {
  const environment = ConfigProvider.fromEnvRecord({
    ...natsEnvironment(folder, nats.url, "traffic"),
    NATS_TENANT_PREFIX_ENABLED: "true"
  })
  const publisher = EventPublisher.layer.pipe(
    Layer.provide([Flags.layerEnv, Nats.layer]),
    Layer.provide(ConfigProvider.layer(environment))
  )
  const context = yield* Layer.build(publisher)
  yield* Effect.forEach(demoTenants, (tenant) => publishTraffic(tenant, perSecond), { concurrency: "unbounded" }).pipe(
    Effect.provideContext(context),
    Effect.tapCause(Effect.logError),
    Effect.forkScoped
  )
})

/** Starts everything; on success each demo tenant is active and events flow. */
export const startPlatform = Effect.fnUntraced(function* (options: PlatformOptions) {
  const folder = yield* openDevFolder(options.folder, options.reset)
  for (const name of ["core", "poller"] as const) yield* stopLeftover(pidFileOf(folder, name), services[name])
  options.onProgress("starting nats-server and PostgreSQL")
  const nats = yield* startNatsServer({
    folder: folder.nats,
    config: natsAuthorization(folder),
    logFile: join(folder.logs, "nats-server.log")
  })
  const postgres = yield* startPostgresServer({ folder: folder.postgres, logFile: join(folder.logs, "postgresql.log") })
  yield* prepareDatabase(folder, postgres)
  options.onProgress("starting core")
  const core = yield* startCore(folder, nats, postgres)
  const api = yield* coreClient(folder, core.url)
  for (const tenant of demoTenants) {
    options.onProgress(`tenant ${tenant.slug}`)
    yield* api.tenants
      .create({ payload: { ...tenant, plan: "pro" } })
      .pipe(Effect.catchTag("TenantExistsProblem", () => Effect.void))
  }
  options.onProgress("starting poller and traffic")
  const sites = yield* Effect.forEach(demoTenants, (tenant, index) =>
    Effect.map(startDemoSite(index), (url) => [tenant.slug, url] as const)
  )
  const checksFile = join(folder.path, "poller-checks.json")
  writePollerChecks(checksFile, {
    natsMonitorUrl: nats.monitorUrl,
    postgresPort: postgres.port,
    coreReadyUrl: `${core.opsUrl}/readyz`,
    sites: new Map(sites)
  })
  const poller = yield* startPoller(folder, nats, checksFile)
  yield* startTraffic(folder, nats, options.trafficPerSecond)
  return {
    folder,
    api,
    /** URLs and files for whoever wants to look closer. */
    places: {
      "API documentation": `${core.url}/docs`,
      "API token": folder.secretFile("core-api-token"),
      "metrics of core": `${core.opsUrl}/metrics`,
      "metrics of poller": `${poller.opsUrl}/metrics`,
      "NATS monitor": nats.monitorUrl,
      PostgreSQL: `postgres://postgres@127.0.0.1:${postgres.port}/${DATABASE}`,
      logs: folder.logs
    },
    /** The database as its superuser, for checks that look into every schema. */
    databaseUrl: postgres.url(DATABASE),
    /** Fails when a service has ended by itself. */
    ended: Effect.raceFirst(core.service.ended, poller.service.ended)
  }
})

export type Platform = Effect.Success<ReturnType<typeof startPlatform>>
