export { type AccountKeys, makeAccountKeys } from "./AccountKeys.ts"
export { type AccountLimits, type Limit, PLANS } from "./AccountLimits.ts"
export {
  type InstallationClaims,
  type InstallationKeys,
  makeInstallationKeys,
  signInstallation
} from "./Installation.ts"
export { NKey, type NKeyKind } from "./NKey.ts"
export { ClaimsRefused, pushClaims } from "./pushClaims.ts"
export { resolverConfig } from "./resolverConfig.ts"
export { signTenantAccount, type TenantAccount } from "./tenantAccount.ts"
export { inboxPrefixOf, signTenantUser, signUser, type TenantRole, type UserCredentials } from "./user.ts"
