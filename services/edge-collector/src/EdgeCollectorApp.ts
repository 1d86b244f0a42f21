/**
 * The collector, put together. It needs `Health` and `Metrics` of the process it runs in.
 */
import { Nats } from "@bulkhead/nats"
import { layerSettingsFile } from "@bulkhead/settings"
import { Layer } from "effect"
import { EdgeBuffer } from "./EdgeBuffer.ts"
import { EdgeConfig, edgeSettings } from "./EdgeConfig.ts"
import { EdgeMetrics } from "./EdgeMetrics.ts"
import { FlowListeners } from "./FlowListeners.ts"
import { OtlpGrpc } from "./OtlpGrpc.ts"
import { OtlpHttp } from "./OtlpHttp.ts"
import { SnmpListener } from "./SnmpListener.ts"
import { SyslogListeners } from "./SyslogListeners.ts"
import { Uplink } from "./Uplink.ts"

/** Everything that takes something in. */
export const Listeners = Layer.mergeAll(SyslogListeners, SnmpListener, FlowListeners, OtlpGrpc, OtlpHttp)

/** Everything the collector does, from its environment and its file. */
export const EdgeCollectorApp = Layer.merge(Listeners, Uplink.pipe(Layer.provide(Nats.layer))).pipe(
  Layer.provide(EdgeBuffer.layer),
  Layer.provide(EdgeMetrics.layer),
  Layer.provide(EdgeConfig.layer),
  Layer.provide(layerSettingsFile(edgeSettings.configFile, edgeSettings))
)
