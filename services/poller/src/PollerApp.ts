/**
 * The poller, put together. It needs `Health` and `Metrics` of the process it runs in.
 */
import { Flags } from "@bulkhead/flags"
import { EventPublisher, layerTenantPublishers, Nats, natsConfig, TenantConnections } from "@bulkhead/nats"
import { dependsOn, Health } from "@bulkhead/observability"
import { layerSettingsFile } from "@bulkhead/settings"
import { Effect, Layer } from "effect"
import { type Check, readChecks } from "./Check.ts"
import { runCheck } from "./Poller.ts"
import { PollerConfig, pollerSettings } from "./PollerConfig.ts"
import { PollerMetrics } from "./PollerMetrics.ts"

const running = (checks: ReadonlyArray<Check>) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const tenants = new Set(checks.map(({ tenant }) => tenant)).size
      yield* Effect.logInfo("checking", { checks: checks.length, tenants })
      for (const check of checks) yield* Effect.forkScoped(runCheck(check).pipe(Effect.tapCause(Effect.logError)))
    })
  )

/** One user publishes for all tenants, and puts the prefix before the subject. */
const asOneUser = EventPublisher.layer.pipe(
  Layer.provide(Flags.layerKv(Effect.flatMap(Nats, (nats) => nats.connection))),
  Layer.merge(
    Layer.effectDiscard(Effect.flatMap(Nats, ({ isConnected }) => dependsOn("nats", isConnected, "not connected")))
  ),
  Layer.provide(Nats.layer)
)

/** Each tenant's events go out with its own credentials, and the server puts the prefix. */
const asEachTenant = (checks: ReadonlyArray<Check>, credsFolder: string) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const { missing } = yield* TenantConnections
      yield* (yield* Health).register(
        "nats",
        Effect.map(missing, (tenants) => (tenants.length === 0 ? undefined : `not connected: ${tenants.join(", ")}`))
      )
    })
  ).pipe(
    Layer.provideMerge(
      Layer.unwrap(
        Effect.map(natsConfig, (nats) =>
          layerTenantPublishers({ tenants: checks.map(({ tenant }) => tenant), credsFolder, nats })
        )
      )
    )
  )

/** Everything the poller does, from its environment. */
export const PollerApp = Layer.unwrap(
  Effect.gen(function* () {
    const { checksFile, credsFolder } = yield* PollerConfig
    const checks = yield* readChecks(checksFile)
    const publishing = credsFolder === undefined ? asOneUser : asEachTenant(checks, credsFolder)
    return running(checks).pipe(Layer.provide(publishing))
  })
).pipe(
  Layer.provide(PollerMetrics.layer),
  Layer.provide(PollerConfig.layer),
  Layer.provide(layerSettingsFile(pollerSettings.configFile, pollerSettings))
)
