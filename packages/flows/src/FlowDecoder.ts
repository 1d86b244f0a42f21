/**
 * The decoder of a lane that writes flows, as the installation's settings have it: each flow enriched, as a row of
 * `netflow_metrics` and of `ocsf_network_activity`.
 */
import { activityOfFlow, type Decoder, flowDecoderWith, netflowMetrics, networkActivity } from "@bulkhead/records"
import { readSettings } from "@bulkhead/settings"
import { type Config, Context, Effect, Layer } from "effect"
import { AddressBook } from "./AddressBook.ts"
import { enrichFlow } from "./enrichFlow.ts"
import { FlowError, NetworkInvalid } from "./FlowError.ts"
import { flowSettings } from "./flowSettings.ts"
import { openGeoDatabases } from "./GeoDatabases.ts"
import { LocalNetworks } from "./LocalNetworks.ts"

const make = Effect.gen(function* () {
  const config = yield* readSettings(flowSettings)
  const networks = LocalNetworks.of(config.localNetworks)
  if (!(networks instanceof LocalNetworks)) {
    const reason = new NetworkInvalid({ setting: "FLOWS_LOCAL_NETWORKS", network: networks.noNetwork })
    return yield* new FlowError({ operation: "FlowDecoder.layer", reason })
  }
  const book = new AddressBook(networks)
  book.placeOf = yield* openGeoDatabases(config, () => book.forget())
  return flowDecoderWith((sent, rows) => {
    const flow = enrichFlow(sent, book)
    rows.add(netflowMetrics, flow)
    if (config.networkActivity) rows.add(networkActivity, activityOfFlow(flow))
  })
})

export class FlowDecoder extends Context.Service<FlowDecoder, Decoder>()("@bulkhead/flows/FlowDecoder") {
  /** From the environment: `FLOWS_*`. Fails with `GeoDatabaseUnreadable` and `NetworkInvalid`. */
  static readonly layer: Layer.Layer<FlowDecoder, Config.ConfigError | FlowError> = Layer.effect(FlowDecoder, make)
}
