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
import { ConfigProvider, Context, Effect, Layer, Redacted } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import { CoreApi } from "../src/api/index.ts"
import { CoreApp } from "../src/CoreApp.ts"

export const API_TOKEN = "a token that only tests know"

/** Starts servers and core; everything ends with the scope. `environment` wins over the harness's own settings. */
export const startCore = Effect.fnUntraced(function* (
  environment: Record<string, string> = {},
  servers: { readonly natsFolder?: string } = {}
) {
  const nats = yield* startNatsServer(servers.natsFolder === undefined ? {} : { folder: servers.natsFolder })
  const postgres = yield* startPostgresServer()
  const database = yield* postgres.createDatabase("core")
  const port = yield* freePort
  const settings = ConfigProvider.layer(
    ConfigProvider.fromEnvRecord({
      NATS_URL: nats.url,
      NATS_TENANT_PREFIX_ENABLED: "true",
      DATABASE_URL: Redacted.value(database),
      CORE_HTTP_PORT: String(port),
      CORE_API_TOKEN: API_TOKEN,
      CORE_RECONCILE_MS: "500",
      CORE_ACCOUNTS: "none",
      ...environment
    })
  )
  const process = Layer.mergeAll(Health.layer, Metrics.layer("core", "test"))
  const running = yield* Layer.build(CoreApp.pipe(Layer.provideMerge(process), Layer.provide(settings)))
  const publishing = yield* Layer.build(
    EventPublisher.layer.pipe(Layer.provide([Flags.layerEnv, Nats.layer]), Layer.provide(settings))
  )
  const pool = yield* Layer.build(PgClient.layer({ url: database, maxConnections: 2 }))
  const url = `http://127.0.0.1:${port}`
  const api = yield* HttpApiClient.make(CoreApi, {
    baseUrl: url,
    transformClient: HttpClient.mapRequest(HttpClientRequest.bearerToken(API_TOKEN))
  }).pipe(Effect.provide(FetchHttpClient.layer))

  const query = <A extends object>(text: string, values: ReadonlyArray<unknown> = []) =>
    Effect.flatMap(PgClient.PgClient, (sql) => sql.unsafe<A>(text, values)).pipe(Effect.provideContext(pool))
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
  /** What Prometheus would read. */
  const metrics = Effect.promise(() => Context.get(running, Metrics).registry.metrics())

  return { metrics, nats, postgres, api, url, query, publish, stored, awaitStored }
})
