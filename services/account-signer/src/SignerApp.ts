/**
 * The signer, put together. It needs `Health` and `Metrics` of the process it runs in.
 */
import { AccountServers } from "@bulkhead/accounts"
import { dependsOn } from "@bulkhead/observability"
import { SecretStore } from "@bulkhead/secrets"
import { layerSettingsFile } from "@bulkhead/settings"
import { Database } from "@bulkhead/storage"
import { Effect, Layer, Schedule } from "effect"
import { AccountBook } from "./AccountBook.ts"
import { Accounts } from "./Accounts.ts"
import { PlatformNats, SystemNats } from "./connections.ts"
import { Keyring } from "./Keyring.ts"
import { SignerApi } from "./SignerApi.ts"
import { SignerConfig, signerSettings } from "./SignerConfig.ts"
import { SignerMetrics } from "./SignerMetrics.ts"

const readiness = Layer.effectDiscard(
  Effect.gen(function* () {
    const connections = { "nats-system": yield* SystemNats, "nats-platform": yield* PlatformNats }
    for (const [name, nats] of Object.entries(connections)) {
      yield* dependsOn(name, nats.isConnected, "not connected")
    }
    yield* dependsOn("postgresql", (yield* Database).isUp, "does not answer")
  })
)

/** What was interrupted goes on by itself, and servers that lost claims get them back. */
const resuming = Layer.effectDiscard(
  Effect.gen(function* () {
    const { resumeMs } = yield* SignerConfig
    const accounts = yield* Accounts
    const metrics = yield* SignerMetrics
    const servers = yield* AccountServers
    yield* accounts.resume.pipe(
      Effect.tap((given) => (given > 0 ? Effect.logInfo("claims given to servers", { accounts: given }) : Effect.void)),
      Effect.catch((error) => Effect.logWarning("claims wait for servers; trying again", { problem: error.message })),
      Effect.andThen(accounts.pending),
      Effect.map((pending) => metrics.pending(pending)),
      Effect.andThen(servers.names),
      Effect.map(({ length }) => metrics.servers(length)),
      Effect.ignore,
      Effect.repeat(Schedule.spaced(resumeMs)),
      Effect.forkScoped
    )
  })
)

const serversLayer = Layer.unwrap(
  Effect.map(SystemNats, (nats) => AccountServers.layer(nats.connection, nats.inboxPrefix))
)

/** Everything the signer does, from its environment. */
export const SignerApp = Layer.mergeAll(readiness, resuming, SignerApi).pipe(
  Layer.provide(Accounts.layer),
  Layer.provide(serversLayer),
  Layer.provide([Keyring.layer.pipe(Layer.provide(SecretStore.layer)), AccountBook.layer]),
  Layer.provide([Database.layer, SystemNats.layer, PlatformNats.layer, SignerMetrics.layer]),
  Layer.provide(SignerConfig.layer),
  Layer.provide(layerSettingsFile(signerSettings.configFile, signerSettings))
)
