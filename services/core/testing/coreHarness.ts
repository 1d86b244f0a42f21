/**
 * Core in this process, against its own nats-server and PostgreSQL, with an API client and the looks into the database
 * that tests need. The servers can be stopped and started under it.
 */
import { schemaName, type TenantSlug } from "@bulkhead/channels"
import { freePort, startNatsServer, startPostgresServer, waitUntil } from "@bulkhead/devstack"
import { Flags } from "@bulkhead/flags"
import { EventPublisher, Nats } from "@bulkhead/nats"
import { Health, Metrics } from "@bulkhead/observability"
import { PgClient } from "@effect/sql-pg"
import { ConfigProvider, Context, Deferred, Effect, Layer, Redacted } from "effect"
import { coreClient } from "../src/api/index.ts"
import { CoreApp } from "../src/CoreApp.ts"

export const API_TOKEN = "a token that only tests know"

/** Servers, and all that a test needs beside a core of its own making; everything ends with the scope. */
export const startSurroundings = Effect.fnUntraced(function* (
  environment: Record<string, string> = {},
  servers: { readonly natsFolder?: string } = {}
) {
  const nats = yield* startNatsServer(servers.natsFolder === undefined ? {} : { folder: servers.natsFolder })
  const postgres = yield* startPostgresServer()
  const database = yield* postgres.createDatabase("core")
  const port = yield* freePort
  const coreEnvironment: Record<string, string> = {
    NATS_URL: nats.url,
    NATS_TENANT_PREFIX_ENABLED: "true",
    DATABASE_URL: Redacted.value(database),
    CORE_HTTP_PORT: String(port),
    CORE_API_TOKEN: API_TOKEN,
    CORE_RECONCILE_MS: "500",
    CORE_ACCOUNTS: "none",
    ...environment
  }
  const settings = ConfigProvider.layer(ConfigProvider.fromEnvRecord(coreEnvironment))
  const publishing = yield* Layer.build(
    EventPublisher.layer.pipe(Layer.provide([Flags.layerEnv, Nats.layer]), Layer.provide(settings))
  )
  const pool = yield* Layer.build(PgClient.layer({ url: database, maxConnections: 2 }))
  const url = `http://127.0.0.1:${port}`
  const api = yield* coreClient(url, Redacted.make(API_TOKEN))

  const query = <A extends object>(text: string, values: ReadonlyArray<unknown> = []) =>
    Effect.flatMap(PgClient.PgClient, (sql) => sql.unsafe<A>(text, values)).pipe(Effect.provideContext(pool))
  /** Reads the table, and does not end doing so before the scope closes. */
  const holdTable = Effect.fnUntraced(function* (table: string) {
    const held = yield* Deferred.make<void>()
    const hold = Effect.flatMap(PgClient.PgClient, (sql) =>
      sql
        .unsafe(`lock table ${table} in access share mode`)
        .pipe(Effect.andThen(Deferred.succeed(held, undefined)), Effect.andThen(Effect.never), sql.withTransaction)
    )
    yield* Effect.forkScoped(hold.pipe(Effect.provideContext(pool)))
    yield* Deferred.await(held)
  })
  const publish = (tenant: string, subject: string, data: Uint8Array) =>
    Effect.flatMap(EventPublisher, (publisher) =>
      publisher.publishWithTenant(tenant as TenantSlug, subject, data)
    ).pipe(Effect.provideContext(publishing))
  /** The `owner` and `number` of each row of a tenant's schema, in order of the transaction that wrote it, then by number. */
  const stored = (tenant: string) =>
    query<{ owner: string; number: number }>(
      `select unmapped->>'owner' as owner, (unmapped->>'number')::int as number
       from ${schemaName(tenant as TenantSlug)}.ocsf_events where unmapped ? 'number' order by created_at, number`
    )
  const awaitStored = (tenant: string, count: number) =>
    waitUntil(
      `${count} rows of ${tenant}`,
      Effect.map(stored(tenant), (rows) => rows.length >= count),
      "60 seconds"
    )

  return { nats, postgres, coreEnvironment, settings, api, url, query, holdTable, publish, stored, awaitStored }
})

/** Core in this process, on these servers. */
export const startCoreIn = Effect.fnUntraced(function* (
  surroundings: Effect.Success<ReturnType<typeof startSurroundings>>
) {
  const process = yield* Layer.build(Layer.mergeAll(Health.layer, Metrics.layer("core", "test")))
  yield* Layer.build(CoreApp.pipe(Layer.provide(Layer.succeedContext(process)), Layer.provide(surroundings.settings)))
  /** What Prometheus would read. */
  const metrics = Effect.promise(() => Context.get(process, Metrics).registry.metrics())
  return { ...surroundings, metrics }
})

/** Starts servers and core; everything ends with the scope. `environment` wins over the harness's own settings. */
export const startCore = (...options: Parameters<typeof startSurroundings>) =>
  Effect.flatMap(startSurroundings(...options), startCoreIn)
