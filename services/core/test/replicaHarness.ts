/**
 * Several replicas of core as processes of their own, over one nats-server and one PostgreSQL, with the looks and the
 * load that tests of their sharing need.
 */
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { schemaName, type TenantSlug } from "@bulkhead/channels"
import { freePort, startNatsServer, startPostgresServer, waitUntil } from "@bulkhead/devstack"
import { Flags } from "@bulkhead/flags"
import { EventPublisher, Nats } from "@bulkhead/nats"
import { Health, Metrics } from "@bulkhead/observability"
import { PgClient } from "@effect/sql-pg"
import { ConfigProvider, Context, Effect, Fiber, Layer, Redacted } from "effect"
import { CoreApp } from "../src/CoreApp.ts"
import { API_TOKEN } from "../testing/coreHarness.ts"
import { ocsfEvent } from "../testing/events.ts"
import { apiClient } from "../testing/lifecycleHarness.ts"

/** As in core's start script. */
const NODE_FLAGS = ["--max-semi-space-size=8", "--conditions=@bulkhead/source"]

/** Leaves the processes under test some of a small machine. */
const LOAD_PAUSE = "10 millis"

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))

/** Servers without a core. */
export const startReplicaServers = Effect.gen(function* () {
  const nats = yield* startNatsServer()
  const postgres = yield* startPostgresServer()
  const database = yield* postgres.createDatabase("core")
  const environment: Record<string, string> = {
    NATS_URL: nats.url,
    NATS_TENANT_PREFIX_ENABLED: "true",
    DATABASE_URL: Redacted.value(database),
    CORE_API_TOKEN: API_TOKEN,
    CORE_ACCOUNTS: "none",
    LOG_LEVEL: "info"
  }
  const pool = yield* Layer.build(PgClient.layer({ url: database, maxConnections: 2 }))
  const publishing = yield* Layer.build(
    EventPublisher.layer.pipe(
      Layer.provide([Flags.layerEnv, Nats.layer]),
      Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(environment)))
    )
  )
  const query = <A extends object>(text: string, values: ReadonlyArray<unknown> = []) =>
    Effect.flatMap(PgClient.PgClient, (sql) => sql.unsafe<A>(text, values)).pipe(Effect.provideContext(pool))
  const publish = (tenant: string, number: number) =>
    Effect.flatMap(EventPublisher, (publisher) =>
      publisher.publishWithTenant(tenant as TenantSlug, "events.poller.health", ocsfEvent(tenant, number))
    ).pipe(Effect.provideContext(publishing))
  return { nats, postgres, environment, query, publish }
})

export type ReplicaServers = Effect.Success<typeof startReplicaServers>

/** One replica, ready; ended with the scope. */
export const startReplica = Effect.fnUntraced(function* (servers: ReplicaServers, change: Record<string, string> = {}) {
  const [port, opsPort] = [yield* freePort, yield* freePort]
  const replica = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(process.execPath, [...NODE_FLAGS, main], {
        env: {
          PATH: process.env.PATH,
          ...servers.environment,
          CORE_HTTP_PORT: String(port),
          OPS_PORT: String(opsPort),
          ...change
        }
      })
      let output = ""
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text))
      const ended = new Promise<void>((resolve) => child.once("close", () => resolve()))
      return { child, output: () => output, ended }
    }),
    ({ child, ended }) =>
      Effect.promise(() => {
        child.kill("SIGKILL")
        return ended
      })
  )
  yield* waitUntil(
    "the replica is ready",
    Effect.promise(() =>
      fetch(`http://127.0.0.1:${opsPort}/readyz`).then(
        (response) => response.ok,
        () => false
      )
    ),
    "30 seconds"
  )
  const name = `:${replica.child.pid}`
  const [self] = yield* servers.query<{ id: string }>("select id from bulkhead.core_replicas where name like $1", [
    `%${name}`
  ])
  const signal = (which: NodeJS.Signals) => Effect.sync(() => void replica.child.kill(which))
  const opsUrl = `http://127.0.0.1:${opsPort}`
  return { id: self?.id, api: yield* apiClient(`http://127.0.0.1:${port}`), opsUrl, signal, ...replica }
})

/** A replica in this process, until the scope closes; gives its API. */
export const startReplicaHere = Effect.fnUntraced(function* (
  servers: ReplicaServers,
  change: Record<string, string> = {}
) {
  const port = yield* freePort
  const settings = ConfigProvider.layer(
    ConfigProvider.fromEnvRecord({ ...servers.environment, CORE_HTTP_PORT: String(port), ...change })
  )
  const metrics = yield* Layer.build(Metrics.layer("core", "test"))
  yield* Layer.build(
    CoreApp.pipe(Layer.provide([Health.layer, Layer.succeedContext(metrics)]), Layer.provide(settings))
  )
  return { api: yield* apiClient(`http://127.0.0.1:${port}`), registry: Context.get(metrics, Metrics).registry }
})

export type CoreReplica = Effect.Success<ReturnType<typeof startReplica>>

/** Which replica has which tenant, and since when. */
export const claimsOf = (servers: ReplicaServers) =>
  servers.query<{ name: string; replica: string | null; since: Date }>(
    "select name, replica, since from bulkhead.claims where kind = 'tenant' order by name"
  )

export const createTenants = (replica: CoreReplica, slugs: ReadonlyArray<string>) =>
  Effect.forEach(
    slugs,
    (slug) => replica.api.tenants.create({ payload: { slug: slug as TenantSlug, name: slug, plan: "free" } }),
    { concurrency: 4, discard: true }
  )

/** Every tenant has been claimed by one of these, and each of them has some. */
export const isSharedBy = (servers: ReplicaServers, replicas: ReadonlyArray<CoreReplica>) =>
  Effect.map(claimsOf(servers), (claims) => {
    const owners = new Set(claims.map(({ replica }) => replica))
    return owners.size === replicas.length && replicas.every(({ id }) => owners.has(id ?? ""))
  })

/** Publishes numbered events to each tenant, one after the other, until it is stopped; then says how many each got. */
export const startLoad = Effect.fnUntraced(function* (servers: ReplicaServers, slugs: ReadonlyArray<string>) {
  let isStopped = false
  let published = 0
  const fiber = yield* Effect.gen(function* () {
    while (!isStopped) {
      const number = published
      yield* Effect.forEach(slugs, (slug) => servers.publish(slug, number), { concurrency: "unbounded", discard: true })
      published += 1
      yield* Effect.sleep(LOAD_PAUSE)
    }
  }).pipe(Effect.forkScoped)
  return {
    published: () => published,
    stop: Effect.suspend(() => {
      isStopped = true
      return Effect.map(Fiber.join(fiber), () => published)
    })
  }
})

const storedCount = (servers: ReplicaServers, slug: string) =>
  Effect.map(
    servers.query<{ count: number }>(
      `select count(*)::int as count from ${schemaName(slug as TenantSlug)}.ocsf_events where unmapped ? 'number'`
    ),
    ([row]) => row?.count ?? 0
  )

const storedNumbers = (servers: ReplicaServers, slug: string) =>
  Effect.map(
    servers.query<{ number: number }>(
      `select (unmapped->>'number')::int as number from ${schemaName(slug as TenantSlug)}.ocsf_events
       where unmapped ? 'number' order by created_at, number`
    ),
    (rows) => rows.map(({ number }) => number)
  )

/** Waits until each tenant has so many rows; gives those tenants where they are not 0 to count - 1, once and in order. */
export const misstored = Effect.fnUntraced(function* (
  servers: ReplicaServers,
  slugs: ReadonlyArray<string>,
  count: number
) {
  const expected = Array.from({ length: count }, (_, number) => number).join()
  const wrong: Array<string> = []
  for (const slug of slugs) {
    yield* waitUntil(
      `${count} rows of ${slug}`,
      Effect.map(storedCount(servers, slug), (stored) => stored >= count),
      "30 seconds"
    )
    const numbers = (yield* storedNumbers(servers, slug)).join()
    if (numbers !== expected) wrong.push(`${slug}: ${numbers}`)
  }
  return wrong
})
