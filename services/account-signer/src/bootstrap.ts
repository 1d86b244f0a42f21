/**
 * `npm run bootstrap -w @bulkhead/account-signer`: makes the installation unless there is one, and writes what servers
 * and services need to start. Safe to repeat at any time: it never makes a second operator.
 *
 * | variable | default | meaning |
 * |---|---|---|
 * | `BOOTSTRAP_FOLDER` | — | where the files go; keep it from others |
 * | `BOOTSTRAP_NAME` | `bulkhead` | the operator's name |
 * | `BOOTSTRAP_RESOLVER_FOLDER` | `resolver` in that folder | where each server keeps claims |
 * | `BOOTSTRAP_CREDS_DAYS` | `365` | how long the services' credentials are good |
 */
import { join } from "node:path"
import { loggerLayer } from "@bulkhead/observability"
import { SecretStore } from "@bulkhead/secrets"
import { Database } from "@bulkhead/storage"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Config, Console, Effect, Layer, Schema } from "effect"
import { Keyring } from "./Keyring.ts"
import { writeInstallation } from "./writeInstallation.ts"

const config = Config.all({
  folder: Config.String("BOOTSTRAP_FOLDER"),
  name: Config.String("BOOTSTRAP_NAME").pipe(Config.withDefault("bulkhead")),
  resolverFolder: Config.option(Config.String("BOOTSTRAP_RESOLVER_FOLDER")),
  credsDays: Config.schema(Schema.Int.check(Schema.isGreaterThan(0)), "BOOTSTRAP_CREDS_DAYS").pipe(
    Config.withDefault(365)
  )
})

const bootstrap = Effect.gen(function* () {
  const { folder, name, credsDays, resolverFolder } = yield* config
  const keys = yield* (yield* Keyring).ensureInstallation(name)
  const resolver = resolverFolder._tag === "Some" ? resolverFolder.value : join(folder, "resolver")
  const made = yield* Effect.promise(() => writeInstallation(keys, { folder, credsDays, resolverFolder: resolver }))
  yield* Console.log(`operator ${keys.name}, platform account ${keys.platform.publicKey}`)
  yield* Console.log(made.length === 0 ? "all credentials are good" : `new credentials: ${made.join(", ")}`)
})

bootstrap.pipe(
  Effect.provide(Keyring.layer.pipe(Layer.provide(SecretStore.layer), Layer.provide(Database.layer))),
  Effect.tapError((error) => Console.error(error.message)),
  Effect.provide(loggerLayer("bootstrap")),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
