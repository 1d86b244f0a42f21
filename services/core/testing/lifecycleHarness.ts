/**
 * Core and signer in this process, on real servers in operator mode: the platform as it is deployed, with an API client
 * and the looks that tests need.
 */
import { type Servers, startServers, startSigner } from "@bulkhead/account-signer/testing"
import { NKey } from "@bulkhead/accounts"
import { connectWith } from "@bulkhead/accounts/testing"
import { freePort } from "@bulkhead/devstack"
import { Health, Metrics } from "@bulkhead/observability"
import { PgClient } from "@effect/sql-pg"
import { jetstream } from "@nats-io/jetstream"
import type { NatsConnection, NodeConnectionOptions } from "@nats-io/transport-node"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import { coreClient } from "../src/api/index.ts"
import { CoreApp } from "../src/CoreApp.ts"
import { encode } from "./events.ts"

export const API_TOKEN = "a token that only tests know"

/** The environment of a core process beside these servers, and where its API listens. */
export const coreEnvironment = Effect.fnUntraced(function* (servers: Servers) {
  const port = yield* freePort
  const environment: Record<string, string> = {
    ...servers.coreEnvironment,
    NATS_TENANT_PREFIX_ENABLED: "true",
    DATABASE_URL: Redacted.value(servers.database),
    CORE_HTTP_PORT: String(port),
    CORE_API_TOKEN: API_TOKEN,
    CORE_RECONCILE_MS: "250",
    CORE_CANARY_MS: "0"
  }
  return { environment, url: `http://127.0.0.1:${port}` }
})

export const apiClient = (url: string) => coreClient(url, Redacted.make(API_TOKEN))

export type Api = Effect.Success<ReturnType<typeof apiClient>>

/** Core, until the scope closes, and where it answers. */
const startCoreAt = Effect.fnUntraced(function* (servers: Servers, change: Record<string, string> = {}) {
  const { environment, url } = yield* coreEnvironment(servers)
  const settings = ConfigProvider.layer(ConfigProvider.fromEnvRecord({ ...environment, ...change }))
  const process = Layer.mergeAll(Health.layer, Metrics.layer("core", "test"))
  yield* Layer.build(CoreApp.pipe(Layer.provide(process), Layer.provide(settings)))
  return { api: yield* apiClient(url), url }
})

/** Core, until the scope closes. */
export const startCoreOn = (...options: Parameters<typeof startCoreAt>) =>
  Effect.map(startCoreAt(...options), ({ api }) => api)

/** Everything. */
export const startPlatform = Effect.fnUntraced(function* (change: Record<string, string> = {}) {
  const servers = yield* startServers()
  yield* startSigner(servers)
  return { servers, ...(yield* startCoreAt(servers, change)) }
})

/** A credential as a test uses it: the key in hand. */
export const issue = Effect.fnUntraced(function* (api: Api, slug: string, name = "collector-1") {
  const key = NKey.make("user")
  const payload = { role: "collector", name, purpose: "a test", expiresInDays: 1, publicKey: key.publicKey } as const
  const { claims, user } = yield* api.credentials.issue({ params: { slug }, payload })
  return { claims, key, user }
})

export const connectAs = (
  servers: Servers,
  user: Pick<Effect.Success<ReturnType<typeof issue>>, "claims" | "key">,
  options: NodeConnectionOptions = {}
) => connectWith(servers.nats.url, user, options)

export const publish = (connection: NatsConnection, subject: string, data: Uint8Array = encode({})) =>
  Effect.tryPromise(() => jetstream(connection).publish(subject, data, { timeout: 2_000 }))

export const query = <A extends object>(servers: Servers, text: string) =>
  Effect.flatMap(PgClient.PgClient, (sql) => sql.unsafe<A>(text)).pipe(
    Effect.provide(PgClient.layer({ url: servers.database, maxConnections: 1 }))
  )
