/**
 * netflow-consumer, put together. It needs `Health` and `Metrics` of the process it runs in.
 */
import { FlowDecoder } from "@bulkhead/flows"
import { Nats } from "@bulkhead/nats"
import { awaitsFirst, dependsOn } from "@bulkhead/observability"
import { LaneScheduler } from "@bulkhead/pipeline"
import { layerSettingsFile } from "@bulkhead/settings"
import { Database, storageLayer } from "@bulkhead/storage"
import { Effect, Layer } from "effect"
import { NetflowConfig, netflowSettings } from "./NetflowConfig.ts"
import { NetflowConsumer } from "./NetflowConsumer.ts"
import { NetflowMetrics } from "./NetflowMetrics.ts"

const readiness = Layer.effectDiscard(
  Effect.gen(function* () {
    yield* dependsOn("nats", (yield* Nats).isConnected, "not connected")
    yield* dependsOn("postgresql", (yield* Database).isUp, "does not answer")
  })
)

const servers = Layer.merge(storageLayer.pipe(Layer.provideMerge(Database.layer)), Nats.layer)

/** Everything netflow-consumer does, from its environment. */
export const NetflowApp = Layer.merge(readiness, NetflowConsumer).pipe(
  Layer.provide(LaneScheduler.layer),
  Layer.provide(servers),
  Layer.provide([NetflowMetrics.layer, NetflowConfig.layer, FlowDecoder.layer]),
  Layer.provide(layerSettingsFile(netflowSettings.configFile, netflowSettings)),
  Layer.provide(awaitsFirst("nats", "postgresql"))
)
