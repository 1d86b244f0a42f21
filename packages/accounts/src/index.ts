export { AccountLimits, Limit } from "./AccountLimits.ts"
export { AccountServers } from "./AccountServers.ts"
export { ClaimsError } from "./ClaimsError.ts"
export { block, quoted } from "./configSyntax.ts"
export {
  type AccountKeys,
  type InstallationKeys,
  makeInstallation,
  type PlatformClaims,
  signPlatform
} from "./Installation.ts"
export { NKey, type NKeyKind } from "./NKey.ts"
export { liveClaims } from "./reachability/liveClaims.ts"
export { type Finding, hasOwnAccounts, proveIsolation, type ReachabilityReport } from "./reachability/proveIsolation.ts"
export { renderReport } from "./reachability/renderReport.ts"
export { READ_BACK, type ReadBack } from "./readBack.ts"
export { TENANT_ROLES, TenantRole } from "./roles.ts"
export { operatorConfig, type ServerConfigOptions, serverConfig, type TlsFiles, tlsBlock } from "./serverConfig.ts"
export { accountLimits, type LimitOverrides, limitsOf, PLANS, TenantLimits } from "./TenantLimits.ts"
export { makeTenantKeys, signTenantAccount, type TenantAccount, type TenantKeys } from "./tenantAccount.ts"
export { credsFile, signPlatformUser, signTenantUser, type UserIdentity, userAuthenticator } from "./user.ts"
