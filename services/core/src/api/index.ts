/** The API definition for clients; the server's code does not come with it. */
export { CoreApi } from "./CoreApi.ts"
export { TenantHealth } from "./HealthApi.ts"
