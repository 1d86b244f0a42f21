/**
 * Where an installation's secrets rest: sealed rows in PostgreSQL, a KV engine of Vault or OpenBao, or Secrets of
 * Kubernetes. All three take the same names and values and promise the same.
 */

import { readSettings, Setting, type SettingValues } from "@bulkhead/settings"
import type { Database } from "@bulkhead/storage"
import { type Config, Context, Effect, Layer, type Redacted } from "effect"
import { checkedStore } from "./internal/checkedStore.ts"
import { failedIn } from "./internal/failedIn.ts"
import { httpStoreSettings } from "./internal/httpStoreTimes.ts"
import { kubernetesDriver } from "./internal/kubernetesDriver.ts"
import { postgresDriver } from "./internal/postgresDriver.ts"
import type { SecretDriver } from "./internal/SecretDriver.ts"
import { vaultDriver } from "./internal/vaultDriver.ts"
import { type KubernetesOptions, kubernetesOptions } from "./KubernetesOptions.ts"
import { type PostgresOptions, postgresOptions } from "./PostgresOptions.ts"
import { SecretError, type SecretReason, type SecretStoreMisconfigured } from "./SecretError.ts"
import type { SecretName } from "./SecretName.ts"
import { type VaultOptions, vaultOptions } from "./VaultOptions.ts"

/** Keeps secrets. Values are text of at most 256 KiB. */
export class SecretStore extends Context.Service<
  SecretStore,
  {
    /**
     * Stores it unless one of that name exists; of several at a time one is first and wins. Where the answer was lost
     * and the call repeated, `exists` may mean your own: what `read` gives is what counts.
     */
    readonly create: (
      name: SecretName,
      value: Redacted.Redacted<string>
    ) => Effect.Effect<"created" | "exists", SecretError>
    /** Undefined where there is none. Fails with `SecretUnreadable` where there is one that does not open. */
    readonly read: (name: SecretName) => Effect.Effect<Redacted.Redacted<string> | undefined, SecretError>
    /** Stores it in place of the one of that name, if there is one. */
    readonly replace: (name: SecretName, value: Redacted.Redacted<string>) => Effect.Effect<void, SecretError>
    /** Destroys it with all its older versions; an absent one is fine. */
    readonly remove: (name: SecretName) => Effect.Effect<void, SecretError>
    /** The purposes an owner has secrets for, in the order of their characters. */
    readonly list: (owner: string) => Effect.Effect<ReadonlyArray<string>, SecretError>
  }
>()("@bulkhead/secrets/SecretStore") {
  /**
   * From the settings: `SECRETS_DRIVER` says which driver; what each then reads stands in `PostgresOptions.ts`,
   * `VaultOptions.ts` and `KubernetesOptions.ts`.
   */
  static readonly layer: Layer.Layer<SecretStore, SecretError | Config.ConfigError, Database> = Layer.unwrap(
    Effect.suspend(() => Effect.flatMap(readSettings(driverSettings), fromEnvironment))
  )

  /** Sealed rows in PostgreSQL. Makes the schema and the table where they are missing. */
  static readonly layerPostgres = (options: PostgresOptions): Layer.Layer<SecretStore, SecretError, Database> =>
    layerOf("SecretStore.layerPostgres", postgresDriver(options))

  /** A KV engine of version 2. Waits for a Vault that is unavailable or sealed, up to `startTimeoutMs`. */
  static readonly layerVault = (options: VaultOptions): Layer.Layer<SecretStore, SecretError> =>
    layerOf("SecretStore.layerVault", vaultDriver(options))

  /** Secrets of a namespace. Waits for an API server that is unavailable, up to `startTimeoutMs`. */
  static readonly layerKubernetes = (options: KubernetesOptions): Layer.Layer<SecretStore, SecretError> =>
    layerOf("SecretStore.layerKubernetes", kubernetesDriver(options))
}

const layerOf = <R>(operation: string, driver: Effect.Effect<SecretDriver, SecretReason, R>) =>
  Layer.effect(SecretStore, driver.pipe(failedIn(operation), Effect.map(checkedStore)))

const driverSettings = {
  driver: Setting.choice("SECRETS_DRIVER", ["postgres", "vault", "kubernetes"], "where secrets rest").or("postgres")
}

/** Which store, and how long it is waited for; each driver has settings of its own beside these. */
export const secretStoreSettings = { ...driverSettings, times: httpStoreSettings }

/** The driver's layer; its settings are read by nobody else. */
const fromEnvironment = ({
  driver
}: SettingValues<typeof driverSettings>): Effect.Effect<
  Layer.Layer<SecretStore, SecretError, Database>,
  SecretError | Config.ConfigError
> => {
  switch (driver) {
    case "postgres":
      return Effect.map(settings(postgresOptions), SecretStore.layerPostgres)
    case "vault":
      return Effect.map(settings(vaultOptions), SecretStore.layerVault)
    case "kubernetes":
      return Effect.map(settings(kubernetesOptions), SecretStore.layerKubernetes)
  }
}

const settings = <A>(options: Effect.Effect<A, Config.ConfigError | SecretStoreMisconfigured>) =>
  Effect.catchTag(options, "SecretStoreMisconfigured", (reason) =>
    Effect.fail(new SecretError({ operation: "SecretStore.layer", reason }))
  )
