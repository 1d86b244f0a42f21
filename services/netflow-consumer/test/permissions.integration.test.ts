/** What netflow-consumer may do suffices, and no more: at the NATS server subject by subject, at PostgreSQL by role. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { inspect } from "node:util"
import { credentialsWithout, refusedSubjects, type Servers, startServers } from "@bulkhead/account-signer/testing"
import { PLATFORM_USERS } from "@bulkhead/account-signer/users"
import { credsFile, NKey, signPlatformUser } from "@bulkhead/accounts"
import { schemaName, subjectMatches, type TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { ensureStream, Nats, planSharedStream, planTenantStream } from "@bulkhead/nats"
import { Health, Metrics } from "@bulkhead/observability"
import {
  Database,
  LaneStore,
  migrateControlSchema,
  storageLayer,
  TenantSchemas,
  TenantStats,
  TenantStore
} from "@bulkhead/storage"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import { NetflowApp } from "../src/NetflowApp.ts"
import { flow, STREAM_SETTINGS } from "./harness.ts"

const environment = (values: Record<string, string>) => ConfigProvider.layer(ConfigProvider.fromEnvRecord(values))

const LOGIN = "netflow_consumer"
const PASSWORD = "hidden-pass"

/** A connection that publishes flows as collectors do, and may do nothing else. */
const connectCollectors = Effect.fnUntraced(function* (servers: Servers) {
  const key = NKey.make("user")
  const user = { name: "collectors", publicKey: key.publicKey, expiresAt: new Date(Date.now() + 3_600_000) }
  const allowed = { pub: { allow: ["*.netflow.flows"] }, sub: { allow: ["_INBOX.>"] } }
  const claims = yield* Effect.promise(() => signPlatformUser(user, allowed, servers.keys.platform))
  const file = join(servers.folder, "collectors.creds")
  writeFileSync(file, Redacted.value(credsFile(claims, key)))
  const settings = environment({ NATS_URL: servers.nats.url, NATS_CREDS_FILE: file })
  const context = yield* Layer.build(Nats.layer.pipe(Layer.provide(settings)))
  return yield* Effect.flatMap(Nats, (nats) => nats.connection).pipe(Effect.provideContext(context))
})

/** What core would have done, and the service's login. */
const prepare = Effect.fnUntraced(function* (servers: Servers) {
  const settings = environment({ ...servers.coreEnvironment, DATABASE_URL: Redacted.value(servers.database) })
  const context = yield* Layer.build(
    Layer.mergeAll(
      storageLayer.pipe(Layer.provideMerge(Database.layer)),
      Nats.layer,
      PgClient.layer({ url: servers.database, maxConnections: 1 })
    ).pipe(Layer.provide(settings))
  )
  const withServers = Effect.provideContext(context)
  const query = (text: string) => Effect.flatMap(PgClient.PgClient, (sql) => sql.unsafe(text)).pipe(withServers)
  yield* query("create role bulkhead_lane_writers nologin")
  yield* query(`create role ${LOGIN} login password '${PASSWORD}' in role bulkhead_lane_writers`)
  yield* withServers(migrateControlSchema)
  const url = new URL(Redacted.value(servers.database))
  url.username = LOGIN
  url.password = PASSWORD

  /** One of the tenant's streams has lost messages that were written. */
  const pretendLoss = Effect.fnUntraced(function* (slug: TenantSlug, stream: string, createdAt: string) {
    yield* (yield* LaneStore).open(slug, `netflow-consumer/${stream}@${createdAt}`, 1_000_000)
  }, withServers)
  const addTenant = Effect.fnUntraced(function* (slug: TenantSlug) {
    const store = yield* TenantStore
    yield* store.create({ slug, name: slug, plan: "free" })
    yield* (yield* TenantSchemas).provision(slug)
  }, withServers)
  const addOwnStream = Effect.fnUntraced(function* (slug: TenantSlug) {
    const planned = planTenantStream({ tenant: slug, mode: "prefixed", settings: STREAM_SETTINGS })
    return planned === undefined ? undefined : yield* ensureStream(planned)
  }, withServers)
  const addToShared = Effect.fnUntraced(function* (slugs: ReadonlyArray<TenantSlug>) {
    yield* ensureStream(planSharedStream({ tenants: slugs, mode: "prefixed", settings: STREAM_SETTINGS }))
  }, withServers)
  const collectors = yield* connectCollectors(servers)
  const publish = (slug: TenantSlug) => Effect.promise(() => collectors.request(`${slug}.netflow.flows`, flow(1)))
  const rows = (slug: TenantSlug) =>
    Effect.flatMap(TenantStats, (stats) => stats.lanes(slug)).pipe(
      Effect.map((lanes) => lanes.reduce((sum, lane) => sum + lane.rows, 0)),
      withServers
    )
  return { url, query, addTenant, addOwnStream, addToShared, publish, rows, pretendLoss }
})

type World = Effect.Success<ReturnType<typeof prepare>>

/** Flows of a tenant with a stream of its own that has lost messages, and of one in the stream of all. */
const workOnce = Effect.fnUntraced(function* (servers: Servers, world: World, credsFile: string, index: number) {
  const [own, sharing] = [`tenant-${index}-a`, `tenant-${index}-b`] as ReadonlyArray<string> as [TenantSlug, TenantSlug]
  for (const slug of [own, sharing]) yield* world.addTenant(slug)
  const stream = yield* world.addOwnStream(own)
  if (stream !== undefined) yield* world.pretendLoss(own, stream.stream, stream.createdAt)
  yield* world.addToShared([sharing])
  for (const slug of [own, sharing]) yield* world.publish(slug)
  const settings = environment({
    NATS_URL: servers.nats.url,
    NATS_CREDS_FILE: credsFile,
    NATS_INBOX_PREFIX: PLATFORM_USERS["netflow-consumer"].inboxPrefix,
    DATABASE_URL: world.url.toString(),
    NETFLOW_RECONCILE_MS: "100"
  })
  const process = Layer.mergeAll(Health.layer, Metrics.layer("netflow-consumer", "test"))
  yield* Layer.build(NetflowApp.pipe(Layer.provide(process), Layer.provide(settings)))
  for (const slug of [own, sharing]) {
    yield* waitUntil(
      `the row of ${slug}`,
      Effect.map(world.rows(slug), (rows) => rows > 0),
      "60 seconds"
    )
  }
}, Effect.scoped)

const allowed = PLATFORM_USERS["netflow-consumer"].permissions.pub?.allow ?? []

describe("netflow-consumer's permissions", () => {
  it.live(
    "suffice for its work, none is too many, and its login reaches no row but as the row's tenant",
    () =>
      Effect.gen(function* () {
        const servers = yield* startServers()
        const world = yield* prepare(servers)
        for (const [index, permission] of [undefined, ...allowed].entries()) {
          const { subjects, layer } = refusedSubjects()
          const isRefused = Effect.sync(() =>
            subjects.some((subject) => permission !== undefined && subjectMatches(permission, subject))
          )
          const file = yield* credentialsWithout(servers, "netflow-consumer", permission)
          const work = workOnce(servers, world, file, index).pipe(Effect.provide(layer))
          if (permission === undefined) {
            yield* work
            assert.deepStrictEqual(subjects, [])
          } else {
            yield* Effect.raceFirst(
              Effect.exit(work),
              waitUntil(`without ${permission} something is refused`, isRefused, "20 seconds")
            )
            yield* waitUntil(`without ${permission} something is refused`, isRefused, "2 seconds")
          }
        }
        const schema = schemaName("tenant-0-a" as TenantSlug)
        const asLogin = PgClient.layer({ url: Redacted.make(world.url.toString()), maxConnections: 1 })
        const refused = (text: string) =>
          Effect.flatMap(PgClient.PgClient, (sql) => Effect.flip(sql.unsafe(text))).pipe(
            Effect.map((error) => inspect(error, { depth: 5 })),
            Effect.provide(asLogin)
          )
        for (const text of [
          `select 1 from ${schema}.netflow_metrics`,
          "select 1 from bulkhead.outbox",
          "update bulkhead.tenants set name = 'x'",
          "create schema elsewhere",
          "create role somebody",
          `do $$ begin
            perform set_config('role', '${schema}', false);
            perform 1 from ${schemaName("tenant-0-b" as TenantSlug)}.netflow_metrics;
          end $$`
        ]) {
          assert.match(yield* refused(text), /permission denied/, text)
        }
      }),
    300_000
  )
})
