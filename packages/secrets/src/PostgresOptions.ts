/**
 * How secrets are sealed in PostgreSQL, and the settings that say it.
 */
import { readSettings, Setting } from "@bulkhead/settings"
import { type Config, Effect, type Redacted } from "effect"
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

export const postgresSettings = {
  keys: Setting.secret(
    "SECRETS_KEYS",
    "`keyid:base64(32 bytes)`, separated by commas; the first seals, the others only open"
  ).otherwise("this or the next"),
  file: Setting.text("SECRETS_KEYS_FILE", "a file with the same, commas or lines", "path").optional,
  schema: Setting.text("SECRETS_SCHEMA", "schema of the table `sealed_secrets`").or(SECRETS_SCHEMA)
}

/** `PostgresOptions` from the settings. */
export const postgresOptions: Effect.Effect<PostgresOptions, Config.ConfigError | SecretStoreMisconfigured> =
  Effect.gen(function* () {
    const { keys, file, schema } = yield* readSettings(postgresSettings)
    if (keys !== undefined && file === undefined) return { keys, schema }
    if (file !== undefined && keys === undefined) {
      return { keys: yield* readSecretFile("SECRETS_KEYS_FILE", file), schema }
    }
    return yield* new SecretStoreMisconfigured({
      problem: `${keys !== undefined ? "Both SECRETS_KEYS and" : "Neither SECRETS_KEYS nor"} SECRETS_KEYS_FILE is set`,
      nextStep: "set one of them to the keys that seal secrets in PostgreSQL"
    })
  })
