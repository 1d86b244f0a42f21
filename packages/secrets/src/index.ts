export type { KubernetesOptions } from "./KubernetesOptions.ts"
export type { PostgresOptions } from "./PostgresOptions.ts"
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
export { SecretStore } from "./SecretStore.ts"
export type { VaultAuth, VaultOptions } from "./VaultOptions.ts"
