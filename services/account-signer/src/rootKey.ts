/**
 * `npm run root-key -w @bulkhead/account-signer -- export|remove`: prints the operator's root key, to be kept where no
 * machine reads it, or takes it out of the store. Nothing of an installation's daily work needs it.
 */
import { loggerLayer } from "@bulkhead/observability"
import { SecretStore } from "@bulkhead/secrets"
import { Database } from "@bulkhead/storage"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect, Layer, Redacted, Schema } from "effect"
import { Keyring } from "./Keyring.ts"

class RootKeyProblem extends Schema.TaggedError<RootKeyProblem>()("RootKeyProblem", { problem: Schema.String }) {
  override get message(): string {
    return this.problem
  }
}

const exportRoot = Effect.gen(function* () {
  const root = yield* (yield* Keyring).root
  if (root === undefined) return yield* new RootKeyProblem({ problem: "The root key is not in this store any more" })
  yield* Console.log(Redacted.value(root))
})

const removeRoot = Effect.gen(function* () {
  const keyring = yield* Keyring
  // Without an installation the root key would be all there is.
  yield* keyring.installation
  yield* keyring.removeRoot
  yield* Console.log("The root key is out of this store")
})

const [verb] = process.argv.slice(2)

const program = Effect.gen(function* () {
  if (verb === "export") return yield* exportRoot
  if (verb === "remove") return yield* removeRoot
  const problem = `"${verb ?? ""}" is no command: say export, which prints the key, or remove`
  return yield* new RootKeyProblem({ problem })
})

program.pipe(
  Effect.provide(Keyring.layer.pipe(Layer.provide(SecretStore.layer), Layer.provide(Database.layer))),
  Effect.tapError((error) => Console.error(error.message)),
  Effect.provide(loggerLayer("root-key")),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
