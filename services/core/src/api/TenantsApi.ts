/**
 * The tenants of an installation: create, list, get.
 */
import { NewTenantSlug, Tenant, TenantPlan } from "@bulkhead/tenancy"
import { Effect, Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { Authorization } from "./Authorization.ts"
import { TenantExistsProblem, TenantUnknownProblem, UnavailableProblem } from "./problems.ts"

/** What a caller says of a new tenant. */
export const NewTenant = Schema.Struct({
  slug: NewTenantSlug,
  name: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(200)),
  plan: TenantPlan.pipe(Schema.withDecodingDefaultKey(Effect.succeed("free" as const)))
}).annotate({ identifier: "NewTenant" })

const slug = Schema.String.annotate({ description: "The tenant's slug, its name in subjects, streams and schemas" })

export class TenantsApi extends HttpApiGroup.make("tenants")
  .add(
    HttpApiEndpoint.post("create", "/", {
      payload: NewTenant,
      success: Tenant.pipe(HttpApiSchema.status(201)),
      error: [TenantExistsProblem, UnavailableProblem]
    }).annotate(
      OpenApi.Description,
      "Creates a tenant with its schema, role, stream and writer. `status` is `active` when all of it exists; " +
        "`provisioning` when a server was away, and then it becomes `active` by itself once that server is back."
    ),
    HttpApiEndpoint.get("list", "/", { success: Schema.Array(Tenant), error: UnavailableProblem }),
    HttpApiEndpoint.get("get", "/:slug", {
      params: { slug },
      success: Tenant,
      error: [TenantUnknownProblem, UnavailableProblem]
    })
  )
  .prefix("/v1/tenants")
  .middleware(Authorization) {}
