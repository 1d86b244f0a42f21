/**
 * The relay's two connections to the one leaf node: in the account that buffers, and in the account that is linked to
 * the platform. The server keeps the two apart.
 */
import { Nats } from "@bulkhead/nats"
import { Context, Effect, Layer } from "effect"
import { RelayConfig } from "./RelayConfig.ts"

export class BufferNats extends Context.Service<BufferNats, Nats["Service"]>()("@bulkhead/edge-relay/BufferNats") {
  static readonly layer = Layer.effect(
    BufferNats,
    Effect.flatMap(RelayConfig, (config) => connectWith(config.server, config.bufferCredsFile, "buffer"))
  )
}

export class UplinkNats extends Context.Service<UplinkNats, Nats["Service"]>()("@bulkhead/edge-relay/UplinkNats") {
  static readonly layer = Layer.effect(
    UplinkNats,
    Effect.flatMap(RelayConfig, (config) => connectWith(config.server, config.uplinkCredsFile, "uplink"))
  )
}

const connectWith = Effect.fnUntraced(function* (server: string, credsFile: string, account: string) {
  const layer = Nats.layerWith({ servers: [server], credsFile, clientName: `edge-relay ${account}` })
  return yield* Effect.provideContext(Nats, yield* Layer.build(layer))
})
