/**
 * Where a tenant's message stops: each place on its way looked at, from the servers' connections to the rows.
 */
import { TenantSlug } from "@bulkhead/tenancy"
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { Authorization } from "./Authorization.ts"
import { TenantUnknownProblem, UnavailableProblem } from "./problems.ts"

/** The places, in the order in which a message comes by. */
export const CHECKS = [
  "connection",
  "rights",
  "clock",
  "account",
  "permissions",
  "bridge",
  "stream",
  "consumer",
  "lane",
  "schema"
] as const
export type CheckName = (typeof CHECKS)[number]

/** What was found at one place. */
export const Finding = Schema.Struct({
  /** `skipped` where something before it makes the look impossible, or there is nothing to look at. */
  outcome: Schema.Literals(["ok", "failed", "skipped"]),
  /** What was seen there, or why nobody looked. */
  seen: Schema.String,
  /** What to do; only of what failed. */
  nextStep: Schema.optionalKey(Schema.String)
})
export type Finding = typeof Finding.Type

export const Diagnosis = Schema.Struct({
  tenant: TenantSlug,
  /** All of them, in order. */
  checks: Schema.Array(Schema.Struct({ check: Schema.Literals(CHECKS), ...Finding.fields })),
  /** The first that failed; absent where a message gets through. */
  stopsAt: Schema.optionalKey(Schema.Literals(CHECKS))
}).annotate({ identifier: "Diagnosis" })
export type Diagnosis = typeof Diagnosis.Type

export class DiagnosisApi extends HttpApiGroup.make("diagnosis")
  .add(
    HttpApiEndpoint.get("get", "/:slug/diagnosis", {
      params: { slug: Schema.String },
      success: Diagnosis,
      error: [TenantUnknownProblem, UnavailableProblem]
    }).annotate(
      OpenApi.Description,
      "Looks at every place on the way of a tenant's message, now, and says at which it stops and what to do. A client with " +
        "credentials of the tenant is connected for it; what it publishes is refused by the stream, and stored nowhere."
    )
  )
  .prefix("/v1/tenants")
  .middleware(Authorization) {}
