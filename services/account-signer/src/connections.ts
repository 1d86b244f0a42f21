/**
 * The signer's two connections: as a user of the system account, to give claims to servers, and as a user of the
 * platform's account, to be asked. Each may do just that.
 */
import { Nats, natsConfig } from "@bulkhead/nats"
import { Context, Effect, Layer } from "effect"
import { PLATFORM_USERS } from "./platformUsers.ts"
import { SignerConfig } from "./SignerConfig.ts"

export class SystemNats extends Context.Service<SystemNats, Nats["Service"]>()("@bulkhead/account-signer/SystemNats") {
  static readonly layer = Layer.effect(
    SystemNats,
    Effect.flatMap(SignerConfig, ({ systemCredsFile }) => connectWith(systemCredsFile, "signer-system"))
  )
}

export class PlatformNats extends Context.Service<PlatformNats, Nats["Service"]>()(
  "@bulkhead/account-signer/PlatformNats"
) {
  static readonly layer = Layer.effect(
    PlatformNats,
    Effect.flatMap(SignerConfig, ({ platformCredsFile }) => connectWith(platformCredsFile, "signer"))
  )
}

const connectWith = Effect.fnUntraced(function* (credsFile: string, user: "signer" | "signer-system") {
  const { servers, tlsCaFile } = yield* natsConfig
  const { inboxPrefix } = PLATFORM_USERS[user]
  const layer = Nats.layerWith({ servers, tlsCaFile, credsFile, inboxPrefix, clientName: `account-signer ${user}` })
  return yield* Effect.provideContext(Nats, yield* Layer.build(layer))
})
