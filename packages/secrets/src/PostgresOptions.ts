/**
 * How secrets are sealed in PostgreSQL, from the environment.
 *
 * | variable | default | meaning |
 * |---|---|---|
 * | `SECRETS_KEYS` | — | `keyid:base64(32 bytes)`, separated by commas; the first seals, the others only open |
 * | `SECRETS_KEYS_FILE` | — | a file with the same, commas or lines, instead |
 * | `SECRETS_SCHEMA` | `bulkhead_signer` | schema of the table `sealed_secrets` |
 */
import { Config, Effect, Option, type Redacted } from "effect"
import { readSecretFile } from "./internal/readSecretFile.ts"
import { SECRETS_SCHEMA } from "./internal/sealedSecrets.ts"
import { SecretStoreMisconfigured } from "./SecretError.ts"

/** How secrets are sealed in PostgreSQL. */
export interface PostgresOptions {
  /** `keyid:base64(32 bytes)`, separated by commas or newlines; the first seals, the others only open. */
  readonly keys: Redacted.Redacted<string>
  /** Default `bulkhead_signer`. */
  readonly schema?: string | undefined
}

const variables = Config.all({
  keys: Config.option(Config.Redacted("SECRETS_KEYS")),
  file: Config.option(Config.String("SECRETS_KEYS_FILE")),
  schema: Config.String("SECRETS_SCHEMA").pipe(Config.withDefault(SECRETS_SCHEMA))
})

/** `PostgresOptions` from the environment. */
export const postgresOptions: Effect.Effect<PostgresOptions, Config.ConfigError | SecretStoreMisconfigured> =
  Effect.gen(function* () {
    const { keys, file, schema } = yield* variables
    if (Option.isSome(keys) && Option.isNone(file)) return { keys: keys.value, schema }
    if (Option.isSome(file) && Option.isNone(keys)) {
      return { keys: yield* readSecretFile("SECRETS_KEYS_FILE", file.value), schema }
    }
    return yield* new SecretStoreMisconfigured({
      problem: `${Option.isSome(keys) ? "Both SECRETS_KEYS and" : "Neither SECRETS_KEYS nor"} SECRETS_KEYS_FILE is set`,
      nextStep: "set one of them to the keys that seal secrets in PostgreSQL"
    })
  })
