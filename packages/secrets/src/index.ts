export { type KubernetesOptions, kubernetesSettings } from "./KubernetesOptions.ts"
export { type PostgresOptions, postgresSettings } from "./PostgresOptions.ts"
export { type ResealOptions, type ResealReport, resealAll } from "./resealAll.ts"
export {
  SecretError,
  SecretInvalid,
  type SecretReason,
  SecretStoreMisconfigured,
  SecretStoreRefused,
  SecretStoreUnavailable,
  SecretUnreadable
} from "./SecretError.ts"
export { SECRET_BYTES_MAX, type SecretName } from "./SecretName.ts"
export { SecretStore, secretStoreSettings } from "./SecretStore.ts"
export { type VaultAuth, type VaultOptions, vaultSettings } from "./VaultOptions.ts"
