/**
 * The whole platform on one machine: both servers, the services as processes of their own, demo tenants in accounts of
 * their own, their sites and their traffic. Everything ends, in reverse order, with the scope.
 */
import { join } from "node:path"
import { type CoreClient, coreClient } from "@bulkhead/core/api"
import { freePort, stopLeftover } from "@bulkhead/devstack"
import { layerTenantPublishers, natsConfig } from "@bulkhead/nats"
import { ConfigProvider, Effect, Layer, Redacted, Scope } from "effect"
import { issueCredentials } from "./credentials.ts"
import { startDemoSite } from "./DemoSite.ts"
import { type DevFolder, openDevFolder } from "./DevFolder.ts"
import { type DemoTenant, demoTenants } from "./demoTenants.ts"
import { type CollectorPorts, runDevices } from "./devices/runDevices.ts"
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

/** Every service of the platform, by name. */
const services = {
  "account-signer": "services/account-signer/src/main.ts",
  core: "services/core/src/main.ts",
  "db-event-writer": "services/db-event-writer/src/main.ts",
  "edge-collector": "services/edge-collector/src/main.ts",
  "netflow-consumer": "services/netflow-consumer/src/main.ts",
  poller: "services/poller/src/main.ts",
  "zen-consumer": "services/zen-consumer/src/main.ts"
} as const
type ServiceName = keyof typeof services

/** Most of a start is waiting for processes, which can be waited for together. */
const AT_ONCE = { concurrency: "unbounded" } as const

const collectorOf = (tenant: string): string => `edge-collector-${tenant}`

/** What the processes of a service are called: by its name, where there is one. */
const processesOf = (name: ServiceName): ReadonlyArray<string> =>
  name === "edge-collector" ? demoTenants.map(({ slug }) => collectorOf(slug)) : [name]

const pidFileOf = (folder: DevFolder, process: string): string => join(folder.path, `${process}.pid`)

/** A service with what all services are told alike. */
const start = Effect.fnUntraced(function* (
  folder: DevFolder,
  servers: Servers,
  name: ServiceName,
  environment: Readonly<Record<string, string>>,
  process: string = name
) {
  const opsPort = yield* freePort
  const service = yield* startService({
    name: process,
    entry: services[name],
    env: {
      ...servers.natsEnvironment,
      OPS_HOST: "127.0.0.1",
      OPS_PORT: String(opsPort),
      LOG_FORMAT: "json",
      ...environment
    },
    readyUrl: `http://127.0.0.1:${opsPort}/readyz`,
    logFile: join(folder.logs, `${process}.log`),
    pidFile: pidFileOf(folder, process)
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

const startNetflowConsumer = (folder: DevFolder, servers: Servers) =>
  start(folder, servers, "netflow-consumer", {
    NATS_CREDS_FILE: join(folder.installation, "netflow-consumer.creds"),
    NATS_INBOX_PREFIX: "_INBOX_netflow-consumer",
    DATABASE_URL: servers.databaseUrl("netflow-consumer")
  })

/** Decision rules make of raw logs what is stored. */
const startZenConsumer = (folder: DevFolder, servers: Servers) =>
  start(folder, servers, "zen-consumer", {
    NATS_CREDS_FILE: join(folder.installation, "zen-consumer.creds"),
    NATS_INBOX_PREFIX: "_INBOX_zen-consumer"
  })

const POLLER = { name: "poller", role: "service" } as const
const TRAFFIC = { name: "traffic", role: "collector" } as const
const EDGE = { name: "edge-collector", role: "collector" } as const

const startPoller = (folder: DevFolder, servers: Servers, checksFile: string) =>
  start(folder, servers, "poller", {
    POLLER_CHECKS_FILE: checksFile,
    POLLER_CREDS_FOLDER: folder.credentials(POLLER.name)
  })

/** The collector at a tenant's site, with the tenant's own credentials, and the devices there. */
const startSite = Effect.fnUntraced(function* (folder: DevFolder, servers: Servers, tenant: DemoTenant) {
  const ports: CollectorPorts = {
    syslogUdp: yield* freePort,
    syslogTcp: yield* freePort,
    snmp: yield* freePort,
    netflow: yield* freePort,
    otlpHttp: yield* freePort
  }
  const community = folder.secret("snmp-community")
  const environment = {
    NATS_CREDS_FILE: join(folder.credentials(EDGE.name), `${tenant.slug}.creds`),
    EDGE_LISTEN_HOST: "127.0.0.1",
    EDGE_BUFFER_FOLDER: folder.edgeBuffer(tenant.slug),
    EDGE_SYSLOG_UDP_PORT: String(ports.syslogUdp),
    EDGE_SYSLOG_TCP_PORT: String(ports.syslogTcp),
    EDGE_SNMP_PORT: String(ports.snmp),
    EDGE_SNMP_COMMUNITIES: Redacted.value(community),
    EDGE_NETFLOW_PORT: String(ports.netflow),
    EDGE_OTLP_HTTP_PORT: String(ports.otlpHttp)
  }
  const collector = yield* start(folder, servers, "edge-collector", environment, collectorOf(tenant.slug))
  yield* runDevices(tenant, ports, Redacted.value(community))
  return { ...collector, tenant, ports }
})

const portsText = ({ syslogUdp, syslogTcp, snmp, netflow, otlpHttp }: CollectorPorts): string =>
  `syslog ${syslogUdp}/udp ${syslogTcp}/tcp, traps ${snmp}/udp, flows ${netflow}/udp, OTLP http://127.0.0.1:${otlpHttp}`

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

/** What `start` has started ends at once, not one after the other. */
const endsAtOnce = <A, E, R>(start: Effect.Effect<A, E, R>) =>
  Effect.acquireRelease(Scope.make("parallel"), Scope.close).pipe(
    Effect.flatMap((scope) => Scope.provide(start, scope))
  )

/** What the poller looks at: a shop of each demo tenant, and the platform itself. */
const writeChecks = Effect.fnUntraced(function* (folder: DevFolder, servers: Servers, coreReadyUrl: string) {
  const sites = yield* Effect.forEach(demoTenants, (tenant, index) =>
    Effect.map(startDemoSite(index), (url) => [tenant.slug, url] as const)
  )
  const checksFile = join(folder.path, "poller-checks.json")
  writePollerChecks(checksFile, {
    natsMonitorUrl: servers.monitorUrl,
    postgresPort: servers.postgres.port,
    coreReadyUrl,
    sites: new Map(sites)
  })
  return checksFile
})

/** Makes a demo tenant where it is not there yet, with credentials for whoever works for it. */
const onboard = Effect.fnUntraced(function* (api: CoreClient, folder: DevFolder, { slug, name }: DemoTenant) {
  yield* api.tenants
    .create({ payload: { slug, name, plan: "pro" } })
    .pipe(Effect.catchTag("TenantExistsProblem", () => Effect.void))
  for (const program of [POLLER, TRAFFIC, EDGE]) yield* issueCredentials(api, folder, slug, program)
})

/** Starts everything; on success each demo tenant is active, and its events and devices are on. */
export const startPlatform = Effect.fnUntraced(function* (options: PlatformOptions) {
  const folder = yield* openDevFolder(options.folder, options.reset)
  for (const name of Object.keys(services) as Array<ServiceName>) {
    for (const process of processesOf(name)) yield* stopLeftover(pidFileOf(folder, process), services[name])
  }
  options.onProgress("starting PostgreSQL and nats-server")
  const servers = yield* startServers(folder, options.tls)
  options.onProgress("starting account-signer and core")
  const { layout = "per-tenant" } = options
  const [signer, core] = yield* Effect.all([startSigner(folder, servers), startCore(folder, servers, layout)], AT_ONCE)
  const writers = layout === "shared" ? [yield* startEventWriter(folder, servers)] : []
  const netflow = yield* startNetflowConsumer(folder, servers)
  options.onProgress(`tenants ${demoTenants.map(({ slug }) => slug).join(", ")}`)
  const api = yield* coreClient(core.url, folder.secret("core-api-token"))
  yield* Effect.forEach(demoTenants, (tenant) => onboard(api, folder, tenant), AT_ONCE)
  options.onProgress("starting zen-consumer, poller, collectors, devices and traffic")
  const checksFile = yield* writeChecks(folder, servers, `${core.opsUrl}/readyz`)
  const [zenConsumer, poller, sites] = yield* Effect.all(
    [
      startZenConsumer(folder, servers),
      startPoller(folder, servers, checksFile),
      Effect.forEach(demoTenants, (tenant) => startSite(folder, servers, tenant), AT_ONCE),
      startTraffic(folder, servers, options.trafficPerSecond)
    ],
    AT_ONCE
  ).pipe(endsAtOnce)
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
      "metrics of zen-consumer": `${zenConsumer.opsUrl}/metrics`,
      "metrics of signer": `${signer.opsUrl}/metrics`,
      "metrics of flows": `${netflow.opsUrl}/metrics`,
      ...Object.fromEntries(writers.map(({ opsUrl }) => ["metrics of writer", `${opsUrl}/metrics`])),
      ...Object.fromEntries(
        sites.map(({ opsUrl, tenant }) => [`metrics of ${tenant.slug}'s site`, `${opsUrl}/metrics`])
      ),
      ...Object.fromEntries(sites.map(({ ports, tenant }) => [`${tenant.slug}'s site takes`, portsText(ports)])),
      NATS: servers.natsEnvironment.NATS_URL,
      "NATS leaf nodes": servers.leafUrl,
      "NATS monitor": servers.monitorUrl,
      "NATS credentials": folder.credentials(TRAFFIC.name),
      PostgreSQL: Redacted.value(servers.adminUrl),
      logs: folder.logs
    },
    /** Fails when a service has ended by itself. */
    ended: Effect.raceAllFirst(
      [signer, core, ...writers, netflow, zenConsumer, poller, ...sites].map(({ service }) => service.ended)
    )
  }
})

export type Platform = Effect.Success<ReturnType<typeof startPlatform>>
