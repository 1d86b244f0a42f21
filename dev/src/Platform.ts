/**
 * The whole platform on one machine: both servers, the services as processes of their own, demo tenants in accounts of
 * their own, their sites and their traffic. Everything ends, in reverse order, with the scope.
 */
import { join } from "node:path"
import { freePort, stopLeftover } from "@bulkhead/devstack"
import { layerTenantPublishers, natsConfig } from "@bulkhead/nats"
import { ConfigProvider, Effect, Layer } from "effect"
import { coreClient } from "./coreClient.ts"
import { issueCredentials } from "./credentials.ts"
import { startDemoSite } from "./DemoSite.ts"
import { type DevFolder, openDevFolder } from "./DevFolder.ts"
import { demoTenants } from "./demoTenants.ts"
import type { Layout } from "./options.ts"
import { writePollerChecks } from "./pollerChecks.ts"
import { startService } from "./ServiceProcess.ts"
import { type Servers, signerEnvironment, startServers } from "./servers.ts"
import { publishTraffic } from "./traffic.ts"

export interface PlatformOptions {
  readonly folder: string
  /** Forgets all data of an earlier run first. */
  readonly reset: boolean
  /** Events a second of each demo tenant. */
  readonly trafficPerSecond: number
  readonly tls: boolean
  /** Default `per-tenant`. */
  readonly layout?: Layout
  /** Told what is being done, one line a step. */
  readonly onProgress: (line: string) => void
}

const services = {
  "account-signer": "services/account-signer/src/main.ts",
  core: "services/core/src/main.ts",
  "db-event-writer": "services/db-event-writer/src/main.ts",
  poller: "services/poller/src/main.ts"
} as const
type ServiceName = keyof typeof services

const pidFileOf = (folder: DevFolder, name: ServiceName): string => join(folder.path, `${name}.pid`)

/** A service with what all services are told alike. */
const start = Effect.fnUntraced(function* (
  folder: DevFolder,
  servers: Servers,
  name: ServiceName,
  environment: Readonly<Record<string, string>>
) {
  const opsPort = yield* freePort
  const service = yield* startService({
    name,
    entry: services[name],
    env: {
      ...servers.natsEnvironment,
      OPS_HOST: "127.0.0.1",
      OPS_PORT: String(opsPort),
      LOG_FORMAT: "json",
      ...environment
    },
    readyUrl: `http://127.0.0.1:${opsPort}/readyz`,
    logFile: join(folder.logs, `${name}.log`),
    pidFile: pidFileOf(folder, name)
  })
  return { service, opsUrl: `http://127.0.0.1:${opsPort}` }
})

const startSigner = (folder: DevFolder, servers: Servers) =>
  start(folder, servers, "account-signer", {
    ...signerEnvironment(folder, servers.databaseUrl("account-signer")),
    SIGNER_SYSTEM_CREDS_FILE: join(folder.installation, "signer-system.creds"),
    SIGNER_PLATFORM_CREDS_FILE: join(folder.installation, "signer.creds")
  })

const startCore = Effect.fnUntraced(function* (folder: DevFolder, servers: Servers, layout: Layout) {
  const port = yield* freePort
  const { service, opsUrl } = yield* start(folder, servers, "core", {
    NATS_CREDS_FILE: join(folder.installation, "core.creds"),
    NATS_INBOX_PREFIX: "_INBOX_core",
    NATS_TENANT_PREFIX_ENABLED: "true",
    CORE_HTTP_PORT: String(port),
    CORE_API_TOKEN_FILE: folder.secretFile("core-api-token"),
    CORE_LAYOUT: layout,
    CORE_EVENT_WRITER: layout === "shared" ? "off" : "on",
    DATABASE_URL: servers.databaseUrl("core")
  })
  return { service, url: `http://127.0.0.1:${port}`, opsUrl }
})

const startEventWriter = (folder: DevFolder, servers: Servers) =>
  start(folder, servers, "db-event-writer", {
    NATS_CREDS_FILE: join(folder.installation, "db-event-writer.creds"),
    NATS_INBOX_PREFIX: "_INBOX_db-event-writer",
    DATABASE_URL: servers.databaseUrl("db-event-writer")
  })

const POLLER = { name: "poller", role: "service" } as const
const TRAFFIC = { name: "traffic", role: "collector" } as const

const startPoller = (folder: DevFolder, servers: Servers, checksFile: string) =>
  start(folder, servers, "poller", {
    POLLER_CHECKS_FILE: checksFile,
    POLLER_CREDS_FOLDER: folder.credentials(POLLER.name)
  })

const startTraffic = Effect.fnUntraced(function* (folder: DevFolder, servers: Servers, perSecond: number) {
  const environment = ConfigProvider.layer(ConfigProvider.fromEnvRecord(servers.natsEnvironment))
  const nats = yield* natsConfig.pipe(Effect.provide(environment))
  const publishers = layerTenantPublishers({
    tenants: demoTenants.map(({ slug }) => slug),
    credsFolder: folder.credentials(TRAFFIC.name),
    nats
  })
  const context = yield* Layer.build(publishers.pipe(Layer.provide(environment)))
  yield* Effect.forEach(demoTenants, (tenant) => publishTraffic(tenant, perSecond), { concurrency: "unbounded" }).pipe(
    Effect.provideContext(context),
    Effect.tapCause(Effect.logError),
    Effect.forkScoped
  )
})

/** Starts everything; on success each demo tenant is active and events flow. */
export const startPlatform = Effect.fnUntraced(function* (options: PlatformOptions) {
  const folder = yield* openDevFolder(options.folder, options.reset)
  for (const name of Object.keys(services) as Array<ServiceName>) {
    yield* stopLeftover(pidFileOf(folder, name), services[name])
  }
  options.onProgress("starting PostgreSQL and nats-server")
  const servers = yield* startServers(folder, options.tls)
  options.onProgress("starting account-signer and core")
  const signer = yield* startSigner(folder, servers)
  const { layout = "per-tenant" } = options
  const core = yield* startCore(folder, servers, layout)
  const writers = layout === "shared" ? [yield* startEventWriter(folder, servers)] : []
  const api = yield* coreClient(core.url, folder.secret("core-api-token"))
  for (const tenant of demoTenants) {
    options.onProgress(`tenant ${tenant.slug}`)
    yield* api.tenants
      .create({ payload: { ...tenant, plan: "pro" } })
      .pipe(Effect.catchTag("TenantExistsProblem", () => Effect.void))
    for (const program of [POLLER, TRAFFIC]) yield* issueCredentials(api, folder, tenant.slug, program)
  }
  options.onProgress("starting poller and traffic")
  const sites = yield* Effect.forEach(demoTenants, (tenant, index) =>
    Effect.map(startDemoSite(index), (url) => [tenant.slug, url] as const)
  )
  const checksFile = join(folder.path, "poller-checks.json")
  writePollerChecks(checksFile, {
    natsMonitorUrl: servers.monitorUrl,
    postgresPort: servers.postgres.port,
    coreReadyUrl: `${core.opsUrl}/readyz`,
    sites: new Map(sites)
  })
  const poller = yield* startPoller(folder, servers, checksFile)
  yield* startTraffic(folder, servers, options.trafficPerSecond)
  return {
    folder,
    api,
    servers,
    /** URLs and files for whoever wants to look closer. */
    places: {
      "API documentation": `${core.url}/docs`,
      "API token": folder.secretFile("core-api-token"),
      "metrics of core": `${core.opsUrl}/metrics`,
      "metrics of poller": `${poller.opsUrl}/metrics`,
      "metrics of signer": `${signer.opsUrl}/metrics`,
      ...Object.fromEntries(writers.map(({ opsUrl }) => ["metrics of writer", `${opsUrl}/metrics`])),
      NATS: servers.natsEnvironment.NATS_URL,
      "NATS leaf nodes": servers.leafUrl,
      "NATS monitor": servers.monitorUrl,
      "NATS credentials": folder.credentials(TRAFFIC.name),
      PostgreSQL: servers.adminUrl.toString(),
      logs: folder.logs
    },
    /** Fails when a service has ended by itself. */
    ended: Effect.raceAllFirst([signer, core, ...writers, poller].map(({ service }) => service.ended))
  }
})

export type Platform = Effect.Success<ReturnType<typeof startPlatform>>
