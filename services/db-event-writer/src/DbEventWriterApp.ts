/**
 * db-event-writer, put together. It needs `Health` and `Metrics` of the process it runs in.
 */
import { Nats } from "@bulkhead/nats"
import { Health } from "@bulkhead/observability"
import { layerSettingsFile } from "@bulkhead/settings"
import { Database, storageLayer } from "@bulkhead/storage"
import { Effect, Layer } from "effect"
import { DbEventWriterConfig, dbEventWriterSettings } from "./DbEventWriterConfig.ts"
import { DbEventWriterMetrics } from "./DbEventWriterMetrics.ts"
import { EventWriter } from "./EventWriter.ts"

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

/** Everything db-event-writer does, from its environment. */
export const DbEventWriterApp = Layer.merge(readiness, EventWriter).pipe(
  Layer.provide(servers),
  Layer.provide(DbEventWriterMetrics.layer),
  Layer.provide(DbEventWriterConfig.layer),
  Layer.provide(layerSettingsFile(dbEventWriterSettings.configFile, dbEventWriterSettings)),
  Layer.provide(waiting)
)
