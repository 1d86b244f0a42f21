/** The NATS user of db-event-writer has no permission too many: without any one of them, something named is refused. */
import { credentialsWithout, refusedSubjects, type Servers, startServers } from "@bulkhead/account-signer/testing"
import { PLATFORM_USERS } from "@bulkhead/account-signer/users"
import { subjectMatches, type TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { ensureStream, Nats, planSharedStream } from "@bulkhead/nats"
import { Health, Metrics } from "@bulkhead/observability"
import {
  Database,
  migrateControlSchema,
  storageLayer,
  TenantSchemas,
  TenantStats,
  TenantStore
} from "@bulkhead/storage"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Context, Effect, Layer, Redacted } from "effect"
import { DbEventWriterApp } from "../src/DbEventWriterApp.ts"
import { ocsfEvent } from "./harness.ts"

const environment = (values: Record<string, string>) => ConfigProvider.layer(ConfigProvider.fromEnvRecord(values))

/** What core would have done: the control schema, tenants, and their stream. */
const prepare = Effect.fnUntraced(function* (servers: Servers) {
  const settings = environment({
    ...servers.coreEnvironment,
    DATABASE_URL: Redacted.value(servers.database)
  })
  const context = yield* Layer.build(
    Layer.merge(storageLayer.pipe(Layer.provideMerge(Database.layer)), Nats.layer).pipe(Layer.provide(settings))
  )
  const withServers = Effect.provideContext(context)
  yield* withServers(migrateControlSchema)
  const streamSettings = { maxBytes: 10_000_000, maxAgeMs: 3_600_000 }
  const addTenant = Effect.fnUntraced(function* (slug: TenantSlug) {
    const store = yield* TenantStore
    yield* store.create({ slug, name: slug, plan: "free" })
    yield* (yield* TenantSchemas).provision(slug)
    const tenants = yield* store.list
    yield* ensureStream(
      planSharedStream({ tenants: tenants.map((one) => one.slug), mode: "both", settings: streamSettings })
    )
  }, withServers)
  const publish = Effect.fnUntraced(function* (slug: TenantSlug) {
    const connection = yield* (yield* Nats).connection
    yield* Effect.promise(() => connection.request(`${slug}.events.ocsf.processed`, ocsfEvent(slug, 1)))
  }, withServers)
  const rows = (slug: TenantSlug) =>
    Effect.flatMap(TenantStats, (stats) => stats.lanes(slug)).pipe(
      Effect.map((lanes) => lanes.reduce((sum, lane) => sum + lane.rows, 0)),
      withServers
    )
  /** As if the stream had lost messages that were written. */
  const pretendLoss = Effect.flatMap(
    Database,
    ({ sql }) => sql`update bulkhead.shared_lanes set seq = 1000000, updated_at = now()`
  ).pipe(withServers)
  return { addTenant, publish, rows, pretendLoss }
})

/** What the writer does for a tenant that it knew, for one that came later, and after a loss. */
const workOnce = Effect.fnUntraced(function* (
  servers: Servers,
  world: Effect.Success<ReturnType<typeof prepare>>,
  credsFile: string,
  index: number
) {
  const slugs = [`tenant-${index}-a`, `tenant-${index}-b`] as ReadonlyArray<string> as ReadonlyArray<TenantSlug>
  const [early = "" as TenantSlug, late = "" as TenantSlug] = slugs
  yield* world.addTenant(early)
  yield* world.pretendLoss
  const settings = environment({
    NATS_URL: servers.nats.url,
    NATS_CREDS_FILE: credsFile,
    NATS_INBOX_PREFIX: PLATFORM_USERS["db-event-writer"].inboxPrefix,
    DATABASE_URL: Redacted.value(servers.database)
  })
  const process = Layer.mergeAll(Health.layer, Metrics.layer("db-event-writer", "test"))
  const context = yield* Layer.build(DbEventWriterApp.pipe(Layer.provideMerge(process), Layer.provide(settings)))
  yield* world.publish(early)
  yield* world.addTenant(late)
  yield* world.publish(late)
  yield* Effect.promise(() => Context.get(context, Metrics).registry.metrics())
  for (const slug of slugs) {
    yield* waitUntil(
      `the row of ${slug}`,
      Effect.map(world.rows(slug), (rows) => rows > 0),
      "10 seconds"
    )
  }
  yield* Effect.promise(() => Context.get(context, Metrics).registry.metrics())
}, Effect.scoped)

const allowed = PLATFORM_USERS["db-event-writer"].permissions.pub?.allow ?? []

describe("db-event-writer's permissions", () => {
  it.live(
    "suffice for its work, and none is too many",
    () =>
      Effect.gen(function* () {
        const servers = yield* startServers()
        const world = yield* prepare(servers)
        yield* world.addTenant("first" as TenantSlug)
        for (const [index, permission] of [undefined, ...allowed].entries()) {
          const { subjects, layer } = refusedSubjects()
          const isRefused = Effect.sync(() =>
            subjects.some((subject) => permission !== undefined && subjectMatches(permission, subject))
          )
          const file = yield* credentialsWithout(servers, "db-event-writer", permission)
          const work = workOnce(servers, world, file, index).pipe(Effect.provide(layer))
          if (permission === undefined) {
            yield* work
            assert.deepStrictEqual(subjects, [])
          } else {
            yield* Effect.raceFirst(
              Effect.exit(work),
              waitUntil(`without ${permission} something is refused`, isRefused)
            )
            yield* waitUntil(`without ${permission} something is refused`, isRefused, "1 second")
          }
        }
      }),
    300_000
  )
})
