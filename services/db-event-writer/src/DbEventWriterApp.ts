/**
 * db-event-writer, put together. It needs `Health` and `Metrics` of the process it runs in.
 */
import { Nats } from "@bulkhead/nats"
import { awaitsFirst, dependsOn } from "@bulkhead/observability"
import { layerSettingsFile } from "@bulkhead/settings"
import { Database, storageLayer } from "@bulkhead/storage"
import { Effect, Layer } from "effect"
import { DbEventWriterConfig, dbEventWriterSettings } from "./DbEventWriterConfig.ts"
import { DbEventWriterMetrics } from "./DbEventWriterMetrics.ts"
import { EventWriter } from "./EventWriter.ts"

const readiness = Layer.effectDiscard(
  Effect.gen(function* () {
    yield* dependsOn("nats", (yield* Nats).isConnected, "not connected")
    yield* dependsOn("postgresql", (yield* Database).isUp, "does not answer")
  })
)

const servers = Layer.merge(storageLayer.pipe(Layer.provideMerge(Database.layer)), Nats.layer)

/** Everything db-event-writer does, from its environment. */
export const DbEventWriterApp = Layer.merge(readiness, EventWriter).pipe(
  Layer.provide(servers),
  Layer.provide(DbEventWriterMetrics.layer),
  Layer.provide(DbEventWriterConfig.layer),
  Layer.provide(layerSettingsFile(dbEventWriterSettings.configFile, dbEventWriterSettings)),
  Layer.provide(awaitsFirst("nats", "postgresql"))
)
