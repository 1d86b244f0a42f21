/**
 * The relay, put together. It needs `Health` and `Metrics` of the process it runs in.
 */
import { layerSettingsFile } from "@bulkhead/settings"
import { Layer } from "effect"
import { BufferNats, UplinkNats } from "./connections.ts"
import { Relay } from "./Relay.ts"
import { RelayConfig, relaySettings } from "./RelayConfig.ts"
import { RelayMetrics } from "./RelayMetrics.ts"
import { SiteBuffer } from "./SiteBuffer.ts"

/** Everything the relay does, from its environment and its file. */
export const EdgeRelayApp = Relay.pipe(
  Layer.provide(SiteBuffer.layer),
  Layer.provide(Layer.mergeAll(BufferNats.layer, UplinkNats.layer, RelayMetrics.layer)),
  Layer.provide(RelayConfig.layer),
  Layer.provide(layerSettingsFile(relaySettings.configFile, relaySettings))
)
