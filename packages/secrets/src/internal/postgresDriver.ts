import { Effect } from "effect"
import type { PostgresOptions } from "../PostgresOptions.ts"
import { SecretUnreadable } from "../SecretError.ts"
import { parseSealingKeys } from "./SealingKeys.ts"
import type { SecretDriver } from "./SecretDriver.ts"
import { seal, unseal } from "./seal.ts"
import { openSealedSecrets, SECRETS_SCHEMA } from "./sealedSecrets.ts"

/** Secrets as sealed rows; the keys never reach the server. */
export const postgresDriver = Effect.fnUntraced(function* (options: PostgresOptions) {
  const keys = yield* parseSealingKeys(options.keys)
  const rows = yield* openSealedSecrets(options.schema ?? SECRETS_SCHEMA)

  const driver: SecretDriver = {
    create: (name, value) =>
      Effect.map(rows.insert(name, seal(name, value, keys.first)), (made) =>
        made.length === 1 ? "created" : "exists"
      ),
    read: Effect.fnUntraced(function* (name) {
      const [row] = yield* rows.find(name)
      if (row === undefined) return undefined
      const value = unseal(name, row, keys)
      return value instanceof SecretUnreadable ? yield* value : value
    }),
    replace: (name, value) => Effect.asVoid(rows.upsert(name, seal(name, value, keys.first))),
    remove: (name) => Effect.asVoid(rows.remove(name)),
    list: (owner) => Effect.map(rows.purposes(owner), (found) => found.map((row) => row.purpose))
  }
  return driver
})
