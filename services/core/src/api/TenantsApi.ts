/**
 * The tenants of an installation: create, look, change the plan, suspend, resume, delete.
 */
import { TenantLimits } from "@bulkhead/accounts"
import { NewTenantSlug, Tenant, TenantPlan } from "@bulkhead/tenancy"
import { Effect, Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { Authorization } from "./Authorization.ts"
import { ErasureReport } from "./ErasureReport.ts"
import {
  LimitRefusedProblem,
  RefusedProblem,
  TenantExistsProblem,
  TenantUnknownProblem,
  UnavailableProblem
} from "./problems.ts"

/** What a caller says of a new tenant. */
export const NewTenant = Schema.Struct({
  slug: NewTenantSlug,
  name: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(200)),
  plan: TenantPlan.pipe(Schema.withDecodingDefaultKey(Effect.succeed("free" as const)))
}).annotate({ identifier: "NewTenant" })

/** What is changed of a tenant: what is absent stays as it is. */
export const TenantChange = Schema.Struct({
  plan: Schema.optionalKey(TenantPlan),
  // Names and values are checked where the answer can quote them.
  limits: Schema.optionalKey(
    Schema.Record(Schema.String, Schema.Union([Schema.Finite, Schema.String, Schema.Null])).annotate({
      description: `Limits of this tenant alone, by name: ${Object.keys(TenantLimits.fields).join(", ")}`
    })
  )
}).annotate({ identifier: "TenantChange" })

const PENDING =
  "`appliedGeneration` equals `generation` when every server has it; below it while something is away, and then it is " +
  "done by itself later: /health/tenants says what it waits for."

const slug = Schema.String.annotate({ description: "The tenant's slug, its name in subjects, streams and schemas" })

const changeErrors = [TenantUnknownProblem, RefusedProblem, UnavailableProblem] as const

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
    }),
    HttpApiEndpoint.patch("change", "/:slug", {
      params: { slug },
      payload: TenantChange,
      success: Tenant,
      error: [...changeErrors, LimitRefusedProblem]
    }).annotate(
      OpenApi.Description,
      "Changes the plan, or limits of this tenant alone. Of a limit, null means the plan's again, 0 means none, and " +
        `"unlimited" is a word; what is absent stays as it is. ${PENDING}`
    ),
    HttpApiEndpoint.get("limits", "/:slug/limits", {
      params: { slug },
      success: TenantLimits,
      error: [TenantUnknownProblem, UnavailableProblem]
    }).annotate(OpenApi.Description, "The limits in force: the plan's, but for those of the tenant's own."),
    HttpApiEndpoint.post("suspend", "/:slug/suspend", {
      params: { slug },
      success: Tenant,
      error: changeErrors
    }).annotate(OpenApi.Description, `Cuts the tenant's clients and lets none in; its data stays. ${PENDING}`),
    HttpApiEndpoint.post("resume", "/:slug/resume", {
      params: { slug },
      success: Tenant,
      error: changeErrors
    }).annotate(OpenApi.Description, `Lets the clients of a suspended tenant in again. ${PENDING}`),
    HttpApiEndpoint.delete("delete", "/:slug", {
      params: { slug },
      success: [ErasureReport, Tenant.pipe(HttpApiSchema.status(202))],
      error: changeErrors
    }).annotate(
      OpenApi.Description,
      "Deletes the tenant with its account, credentials, stream, schema and role. 200 with the report of what was found " +
        "when all was gone; 202 while a server is away, and then it is finished by itself later."
    ),
    HttpApiEndpoint.get("erasures", "/:slug/erasures", {
      params: { slug },
      success: Schema.Array(ErasureReport),
      error: [TenantUnknownProblem, UnavailableProblem]
    }).annotate(OpenApi.Description, "The reports of tenants of this slug that were deleted, the newest first.")
  )
  .prefix("/v1/tenants")
  .middleware(Authorization) {}
