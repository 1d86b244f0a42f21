export type { TenantContext } from "./CurrentTenant.ts"
export {
  CurrentTenant,
  currentTenant,
  runWithTenant,
  TenantMissing,
  withCurrentTenant,
  withTenant
} from "./CurrentTenant.ts"
export { Tenant, TenantPlan, TenantStatus } from "./Tenant.ts"
export { NewTenantSlug, TenantId, TenantSlug } from "./TenantSlug.ts"
export type { CommonNameTenant } from "./tenantFromCommonName.ts"
export { COMMON_NAME_SUFFIX, CommonNameInvalid, tenantFromCommonName } from "./tenantFromCommonName.ts"
