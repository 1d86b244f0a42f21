/**
 * The poller, put together. It needs `Health` and `Metrics` of the process it runs in.
 */
import { Flags } from "@bulkhead/flags"
import { EventPublisher, Nats } from "@bulkhead/nats"
import { Health } from "@bulkhead/observability"
import { Effect, Layer } from "effect"
import { readChecks } from "./Check.ts"
import { runCheck } from "./Poller.ts"
import { PollerConfig } from "./PollerConfig.ts"
import { PollerMetrics } from "./PollerMetrics.ts"

const checks = Layer.effectDiscard(
  Effect.gen(function* () {
    const { checksFile } = yield* PollerConfig
    const all = yield* readChecks(checksFile)
    yield* Effect.logInfo("checking", { checks: all.length, tenants: new Set(all.map(({ tenant }) => tenant)).size })
    for (const check of all) yield* Effect.forkScoped(runCheck(check).pipe(Effect.tapCause(Effect.logError)))
  })
)

const readiness = Layer.effectDiscard(
  Effect.gen(function* () {
    const health = yield* Health
    const nats = yield* Nats
    yield* health.register(
      "nats",
      Effect.map(nats.isConnected, (up) => (up ? undefined : "not connected"))
    )
  })
)

const publishing = EventPublisher.layer.pipe(
  Layer.provide(Flags.layerKv(Effect.flatMap(Nats, (nats) => nats.connection)))
)

/** Everything the poller does, from its environment. */
export const PollerApp = Layer.mergeAll(readiness, checks.pipe(Layer.provide(publishing))).pipe(
  Layer.provide(Nats.layer),
  Layer.provide(PollerMetrics.layer),
  Layer.provide(PollerConfig.layer)
)
