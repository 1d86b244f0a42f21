/**
 * zen-consumer, put together. It needs `Health` and `Metrics` of the process it runs in.
 */
import { Nats } from "@bulkhead/nats"
import { dependsOn } from "@bulkhead/observability"
import { RuleEngine } from "@bulkhead/rules"
import { layerSettingsFile } from "@bulkhead/settings"
import { Effect, Layer } from "effect"
import { Positions } from "./Positions.ts"
import { RuleBook } from "./RuleBook.ts"
import { ZenConfig, zenSettings } from "./ZenConfig.ts"
import { ZenConsumer } from "./ZenConsumer.ts"
import { ZenMetrics } from "./ZenMetrics.ts"

const readiness = Layer.effectDiscard(
  Effect.flatMap(Nats, ({ isConnected }) => dependsOn("nats", isConnected, "not connected"))
)

/** Everything zen-consumer does, from its environment. */
export const ZenApp = Layer.merge(readiness, ZenConsumer).pipe(
  Layer.provide(Layer.mergeAll(RuleBook.layer, Positions.layer, RuleEngine.layer)),
  Layer.provide(Nats.layer),
  Layer.provide(ZenMetrics.layer),
  Layer.provide(ZenConfig.layer),
  Layer.provide(layerSettingsFile(zenSettings.configFile, zenSettings))
)
