/**
 * netflow-consumer, put together. It needs `Health` and `Metrics` of the process it runs in.
 */
import { FlowDecoder } from "@bulkhead/flows"
import { Nats } from "@bulkhead/nats"
import { Health } from "@bulkhead/observability"
import { LaneScheduler } from "@bulkhead/pipeline"
import { layerSettingsFile } from "@bulkhead/settings"
import { Database, storageLayer } from "@bulkhead/storage"
import { Effect, Layer } from "effect"
import { NetflowConfig, netflowSettings } from "./NetflowConfig.ts"
import { NetflowConsumer } from "./NetflowConsumer.ts"
import { NetflowMetrics } from "./NetflowMetrics.ts"

/** Says what is waited for from the first moment on; `readiness` replaces it when the servers have answered once. */
const waiting = Layer.effectDiscard(
  Effect.gen(function* () {
    const health = yield* Health
    for (const name of ["nats", "postgresql"])
      yield* health.register(name, Effect.succeed("waiting for its first answer"))
  })
)

const readiness = Layer.effectDiscard(
  Effect.gen(function* () {
    const health = yield* Health
    const nats = yield* Nats
    const database = yield* Database
    yield* health.register(
      "nats",
      Effect.map(nats.isConnected, (up) => (up ? undefined : "not connected"))
    )
    yield* health.register(
      "postgresql",
      Effect.map(database.isUp, (up) => (up ? undefined : "does not answer"))
    )
  })
)

const servers = Layer.merge(storageLayer.pipe(Layer.provideMerge(Database.layer)), Nats.layer)

/** Everything netflow-consumer does, from its environment. */
export const NetflowApp = Layer.merge(readiness, NetflowConsumer).pipe(
  Layer.provide(LaneScheduler.layer),
  Layer.provide(servers),
  Layer.provide([NetflowMetrics.layer, NetflowConfig.layer, FlowDecoder.layer]),
  Layer.provide(layerSettingsFile(netflowSettings.configFile, netflowSettings)),
  Layer.provide(waiting)
)
