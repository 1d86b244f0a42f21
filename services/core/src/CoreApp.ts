/**
 * Core, put together: the one place where its live layers meet. It needs `Health` and `Metrics` of the process it runs in.
 */
import { createServer } from "node:http"
import { SignerClient } from "@bulkhead/account-signer/client"
import { FlagStore, Flags } from "@bulkhead/flags"
import { FlowDecoder } from "@bulkhead/flows"
import { EventPublisher, Nats } from "@bulkhead/nats"
import { awaitsFirst, dependsOn, type Health, type Metrics, portTaken } from "@bulkhead/observability"
import { LaneScheduler } from "@bulkhead/pipeline"
import { RuleEngine } from "@bulkhead/rules"
import { layerSettingsFile } from "@bulkhead/settings"
import { Database, migrateControlSchema, storageLayer } from "@bulkhead/storage"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { ByteSize, Effect, Layer } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import { HttpApiBuilder, HttpApiMiddleware, HttpApiScalar } from "effect/http-api"
import { TenantAccounts } from "./accounts/TenantAccounts.ts"
import { AuthorizationLayer } from "./api/Authorization.ts"
import { CoreApi } from "./api/CoreApi.ts"
import { CredentialsHandlers } from "./api/CredentialsHandlers.ts"
import { DeadLettersHandlers } from "./api/DeadLettersHandlers.ts"
import { DiagnosisHandlers } from "./api/DiagnosisHandlers.ts"
import { FlagsHandlers } from "./api/FlagsHandlers.ts"
import { HealthHandlers } from "./api/HealthHandlers.ts"
import { IsolationHandlers } from "./api/IsolationHandlers.ts"
import { ReplaysHandlers } from "./api/ReplaysHandlers.ts"
import { RulesHandlers } from "./api/RulesHandlers.ts"
import { REQUEST_BYTES_MAX, RequestProblems } from "./api/requestProblems.ts"
import { StreamsHandlers } from "./api/StreamsHandlers.ts"
import { TenantsHandlers } from "./api/TenantsHandlers.ts"
import { ApiToken, apiTokenSettings, CoreConfig, coreSettings } from "./CoreConfig.ts"
import { CoreMetrics } from "./CoreMetrics.ts"
import { CanaryMetrics } from "./canary/CanaryMetrics.ts"
import { IsolationCanary } from "./canary/IsolationCanary.ts"
import { DeadLetterCounts } from "./lanes/DeadLetterCounts.ts"
import { ReplayDesk } from "./lanes/ReplayDesk.ts"
import { QuotaMetrics } from "./quotas/QuotaMetrics.ts"
import { TenantQuotas } from "./quotas/TenantQuotas.ts"
import { Membership } from "./replicas/Membership.ts"
import { RuleRelay } from "./rules/RuleRelay.ts"
import { LagWatch } from "./streams/LagWatch.ts"
import { TenantStreams } from "./streams/TenantStreams.ts"
import { LifecycleRelay } from "./tenants/LifecycleRelay.ts"
import { RetentionJob } from "./tenants/RetentionJob.ts"
import { TenantRegistry } from "./tenants/TenantRegistry.ts"

const readiness = Layer.effectDiscard(
  Effect.gen(function* () {
    yield* dependsOn("nats", (yield* Nats).isConnected, "not connected")
    yield* dependsOn("postgresql", (yield* Database).isUp, "does not answer")
  })
)

const connection = Effect.flatMap(Nats, (nats) => nats.connection)

const servers = Layer.mergeAll(
  storageLayer.pipe(
    Layer.provideMerge(Layer.effectDiscard(migrateControlSchema).pipe(Layer.provideMerge(Database.layer)))
  ),
  EventPublisher.layer.pipe(
    Layer.provideMerge(Flags.layerKv(connection)),
    // The store makes the bucket that the reader follows.
    Layer.provideMerge(FlagStore.layer(connection)),
    Layer.provideMerge(Nats.layer)
  )
)

const accounts = Layer.unwrap(
  Effect.map(CoreConfig, ({ accounts: kept }) =>
    kept === "signer" ? TenantAccounts.layerSigner : TenantAccounts.layerNone
  )
)

const api = HttpApiBuilder.layer(CoreApi, { openapiPath: "/openapi.json" }).pipe(
  Layer.provide([
    TenantsHandlers,
    CredentialsHandlers,
    DeadLettersHandlers,
    ReplaysHandlers,
    RulesHandlers,
    DiagnosisHandlers,
    FlagsHandlers,
    StreamsHandlers,
    IsolationHandlers,
    HealthHandlers
  ]),
  Layer.provide(FlowDecoder.layer),
  Layer.provide(AuthorizationLayer),
  Layer.provide(HttpApiMiddleware.layerProblemDetails({ includeDetails: true }))
)

const apiServer = Layer.unwrap(
  Effect.map(CoreConfig, ({ httpHost: host, httpPort: port }) =>
    HttpRouter.serve(Layer.mergeAll(api, HttpApiScalar.layer(CoreApi, { path: "/docs" }), RequestProblems), {
      disableLogger: true,
      disableListenLog: true
    }).pipe(
      Layer.provide(Layer.succeed(HttpServerRequest.MaxBodySize, ByteSize.bytes(REQUEST_BYTES_MAX))),
      Layer.provide(NodeHttpServer.layer(createServer, { host, port, gracefulShutdownTimeout: "10 seconds" })),
      portTaken({ host, port, variable: "CORE_HTTP_PORT" })
    )
  )
)

/** Everything core does, from its environment. Whatever ends it says in one line what to do. */
export const CoreApp: Layer.Layer<never, Error, Health | Metrics> = Layer.mergeAll(
  readiness,
  apiServer,
  LifecycleRelay,
  RuleRelay,
  RetentionJob,
  LagWatch,
  IsolationCanary
).pipe(
  Layer.provide(TenantRegistry.layer),
  Layer.provide([DeadLetterCounts.layer, ReplayDesk.layer]),
  Layer.provide(TenantQuotas.layer.pipe(Layer.provide(QuotaMetrics.layer), Layer.provideMerge(LaneScheduler.layer))),
  Layer.provide([Membership.layer, RuleEngine.layer]),
  Layer.provide(TenantStreams.layer),
  Layer.provide(accounts),
  Layer.provide(SignerClient.layer),
  Layer.provide(servers),
  Layer.provide([CoreMetrics.layer, CanaryMetrics.layer]),
  Layer.provide(ApiToken.layer),
  Layer.provide(CoreConfig.layer),
  Layer.provide(layerSettingsFile(coreSettings.configFile, { ...coreSettings, ...apiTokenSettings })),
  Layer.provide(awaitsFirst("nats", "postgresql"))
)
