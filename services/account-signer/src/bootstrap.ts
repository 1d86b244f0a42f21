/**
 * `npm run bootstrap -w @bulkhead/account-signer`: makes the installation unless there is one, and writes what servers
 * and services need to start. Safe to repeat at any time: it never makes a second operator.
 */
import { join } from "node:path"
import { loggerLayer } from "@bulkhead/observability"
import { SecretStore } from "@bulkhead/secrets"
import { readSettings } from "@bulkhead/settings"
import { Database } from "@bulkhead/storage"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect, Layer } from "effect"
import { bootstrapSettings } from "./bootstrapSettings.ts"
import { Keyring } from "./Keyring.ts"
import { writeInstallation } from "./writeInstallation.ts"

const bootstrap = Effect.gen(function* () {
  const { folder, foldersApart, name, credsDays, resolverFolder } = yield* readSettings(bootstrapSettings)
  const keys = yield* (yield* Keyring).ensureInstallation(name)
  const resolver = resolverFolder ?? join(folder, "resolver")
  const made = yield* Effect.promise(() =>
    writeInstallation(keys, { folder, foldersApart, credsDays, resolverFolder: resolver })
  )
  yield* Console.log(`operator ${keys.name}, platform account ${keys.platform.publicKey}`)
  yield* Console.log(made.length === 0 ? "all credentials are good" : `new credentials: ${made.join(", ")}`)
})

bootstrap.pipe(
  Effect.provide(Keyring.layer.pipe(Layer.provide(SecretStore.layer), Layer.provide(Database.layer))),
  Effect.tapError((error) => Console.error(error.message)),
  Effect.provide(loggerLayer("bootstrap")),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
