/**
 * The shared layout as it is deployed: real servers, core and db-event-writer as processes of their own that can be
 * killed, a login for the writer that may do nothing but write lanes, and the looks into the database that tests need.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { fileURLToPath } from "node:url"
import { schemaName, type TenantSlug } from "@bulkhead/channels"
import { coreClient } from "@bulkhead/core/api"
import { freePort, startNatsServer, startPostgresServer, waitUntil } from "@bulkhead/devstack"
import { PgClient } from "@effect/sql-pg"
import { type JetStreamClient, jetstream, jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect, Layer, Redacted } from "effect"

const API_TOKEN = "a token that only tests know"
const PASSWORD = "hidden-pass"
const entries = {
  core: fileURLToPath(new URL("../../core/src/main.ts", import.meta.url)),
  writer: fileURLToPath(new URL("../src/main.ts", import.meta.url))
} as const

/** A process of ours. */
export interface Running {
  readonly child: ChildProcess
  readonly output: () => string
  readonly ended: Promise<number | null>
  readonly opsUrl: string
}

const start = (name: keyof typeof entries, environment: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const opsPort = yield* freePort
    const running = yield* Effect.acquireRelease(
      Effect.sync((): Running => {
        const child = spawn(process.execPath, ["--conditions=@bulkhead/source", entries[name]], {
          env: { PATH: process.env.PATH, OPS_PORT: String(opsPort), LOG_FORMAT: "json", ...environment }
        })
        let output = ""
        for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text))
        const ended = new Promise<number | null>((resolve) => child.once("close", resolve))
        return { child, output: () => output, ended, opsUrl: `http://127.0.0.1:${opsPort}` }
      }),
      ({ child, ended }) =>
        Effect.promise(() => {
          child.kill("SIGKILL")
          return ended
        })
    )
    return running
  })

export const kill = ({ child, ended }: Running) =>
  Effect.promise(() => {
    child.kill("SIGKILL")
    return ended
  })

const ask = (url: string) =>
  Effect.promise(() =>
    fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
      async (response) => ({ ok: response.ok, text: await response.text() }),
      () => ({ ok: false, text: "" })
    )
  )

export const readiness = ({ opsUrl }: Running) => ask(`${opsUrl}/readyz`)
export const metrics = ({ opsUrl }: Running) => Effect.map(ask(`${opsUrl}/metrics`), ({ text }) => text)

const awaitReady = (running: Running) =>
  waitUntil(
    "a service is ready",
    Effect.map(readiness(running), ({ ok }) => ok),
    "60 seconds"
  ).pipe(Effect.tapCause(() => Effect.sync(() => console.error(running.output()))))

/** A valid event that says whose it is and which. */
export const ocsfEvent = (owner: string, number: number): string =>
  JSON.stringify({
    id: randomUUID(),
    time: new Date().toISOString(),
    class_uid: 1008,
    category_uid: 1,
    type_uid: 100_801,
    activity_id: 1,
    severity_id: 1,
    message: `event ${number} of ${owner}`,
    unmapped: { owner, number }
  })

/** Servers, core, and what is needed to start writers; everything ends with the scope. */
export const startShared = Effect.fnUntraced(function* (coreEnvironment: Readonly<Record<string, string>> = {}) {
  const nats = yield* startNatsServer()
  const postgres = yield* startPostgresServer()
  const database = yield* postgres.createDatabase("bulkhead")
  const pool = yield* Layer.build(PgClient.layer({ url: database, maxConnections: 3 }))
  const query = <A extends object>(text: string, values: ReadonlyArray<unknown> = []) =>
    Effect.flatMap(PgClient.PgClient, (sql) => sql.unsafe<A>(text, values)).pipe(Effect.provideContext(pool))
  yield* query("create role bulkhead_lane_writers nologin")
  yield* query(`create role event_writer login password '${PASSWORD}' in role bulkhead_lane_writers`)
  const writerUrl = new URL(Redacted.value(database))
  writerUrl.username = "event_writer"
  writerUrl.password = PASSWORD

  const port = yield* freePort
  /** All cores listen in the same place, so there is one at a time. */
  const startCore = Effect.fnUntraced(function* (change: Readonly<Record<string, string>> = {}) {
    const core = yield* start("core", {
      NATS_URL: nats.url,
      NATS_TENANT_PREFIX_ENABLED: "true",
      DATABASE_URL: Redacted.value(database),
      CORE_HTTP_PORT: String(port),
      CORE_API_TOKEN: API_TOKEN,
      CORE_RECONCILE_MS: "500",
      CORE_ACCOUNTS: "none",
      CORE_LAYOUT: "shared",
      CORE_EVENT_WRITER: "off",
      ...coreEnvironment,
      ...change
    })
    yield* awaitReady(core)
    return core
  })
  const core = yield* startCore()
  const api = yield* coreClient(`http://127.0.0.1:${port}`, Redacted.make(API_TOKEN))

  /** `wait: false` for one that cannot become ready. */
  const startWriter = Effect.fnUntraced(function* (change: Readonly<Record<string, string>> = {}, wait = true) {
    const environment = { NATS_URL: nats.url, DATABASE_URL: writerUrl.toString(), ...change }
    const writer = yield* start("writer", environment)
    if (wait) yield* awaitReady(writer)
    return writer
  })

  const connection = yield* Effect.acquireRelease(
    Effect.promise(() => connect({ servers: nats.url, maxReconnectAttempts: -1, waitOnFirstConnect: true })),
    (open) => Effect.promise(() => open.close())
  )
  const js: JetStreamClient = jetstream(connection)
  const publish = (subject: string, data: string | Uint8Array) =>
    Effect.promise(async () => {
      for (const msgID = randomUUID(); ; ) {
        try {
          return await js.publish(subject, data, { msgID, timeout: 2_000 })
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      }
    })

  const createTenants = (slugs: ReadonlyArray<string>) =>
    Effect.forEach(slugs, (slug) =>
      api.tenants.create({ payload: { slug: slug as TenantSlug, name: slug, plan: "free" } })
    )

  /** Whose events stand in a tenant's table and which, in the order of the stream. */
  const stored = (tenant: string) =>
    query<{ owner: string; number: number }>(
      `select unmapped->>'owner' as owner, (unmapped->>'number')::int as number
       from ${schemaName(tenant as TenantSlug)}.ocsf_events where unmapped ? 'number' order by stream_seq, number`
    )
  const awaitStored = (tenant: string, count: number) =>
    waitUntil(
      `${count} rows of ${tenant}`,
      Effect.map(stored(tenant), (rows) => rows.length >= count),
      "60 seconds"
    )
  const held = query<{ tenant: string; reason: string }>(
    "select tenant, reason from bulkhead.held_tenants order by tenant"
  )
  const streams = Effect.promise(() => jetstreamManager(connection))

  return {
    nats,
    postgres,
    database,
    core,
    api,
    connection,
    streams,
    startCore,
    startWriter,
    publish,
    createTenants,
    query,
    stored,
    awaitStored,
    held
  }
})

export type Shared = Effect.Success<ReturnType<typeof startShared>>
