/**
 * The platform's flags: what each is, what is said of it for everyone, for a share of the tenants and for single ones, and
 * what holds. Services follow a change within a second.
 */
import { TenantSlug } from "@bulkhead/tenancy"
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { Authorization } from "./Authorization.ts"
import { FlagUnknownProblem, FlagValueProblem, TenantUnknownProblem, UnavailableProblem } from "./problems.ts"

/** Values are texts everywhere, as in the environment. */
const value = Schema.String.check(Schema.isMaxLength(200))

export const FlagState = Schema.Struct({
  key: Schema.String,
  description: Schema.String,
  /** Whom to ask about it. */
  owner: Schema.String,
  /** The values that it may have. */
  allowed: Schema.String,
  default: value,
  /** What holds in core where nothing below is said: its environment's value, else the default. */
  base: value,
  everyone: Schema.optionalKey(value),
  /** For so many percent of the tenants. */
  rollout: Schema.optionalKey(Schema.Struct({ percent: Schema.Finite, value })),
  /** By slug. */
  tenants: Schema.Record(Schema.String, value),
  /** What core goes by: for the tenant that was asked for, else where no tenant is meant. */
  inForce: value
}).annotate({ identifier: "FlagState" })
export type FlagState = typeof FlagState.Type

export const FlagChange = Schema.Struct({
  target: Schema.Union([
    Schema.Struct({ kind: Schema.Literal("everyone") }),
    Schema.Struct({ kind: Schema.Literal("tenant"), tenant: TenantSlug }),
    /** The percent are needed with a value. */
    Schema.Struct({ kind: Schema.Literal("rollout"), percent: Schema.optionalKey(Schema.Finite) })
  ]),
  /** Null takes the target's value away; what stands behind it holds again. */
  value: Schema.NullOr(value)
}).annotate({ identifier: "FlagChange" })
export type FlagChange = typeof FlagChange.Type

const tenantQuery = Schema.Struct({ tenant: Schema.optionalKey(Schema.String) })
const params = { key: Schema.String }

export class FlagsApi extends HttpApiGroup.make("flags")
  .add(
    HttpApiEndpoint.get("list", "/", {
      query: tenantQuery,
      success: Schema.Array(FlagState),
      error: [TenantUnknownProblem, UnavailableProblem]
    }),
    HttpApiEndpoint.get("get", "/:key", {
      params,
      query: tenantQuery,
      success: FlagState,
      error: [FlagUnknownProblem, TenantUnknownProblem, UnavailableProblem]
    }),
    HttpApiEndpoint.patch("change", "/:key", {
      params,
      payload: FlagChange,
      success: FlagState,
      error: [FlagUnknownProblem, FlagValueProblem, TenantUnknownProblem, UnavailableProblem]
    }).annotate(
      OpenApi.Description,
      "Sets or takes away the value for everyone, for a share of the tenants or for one tenant. Each change is logged."
    )
  )
  .prefix("/v1/flags")
  .middleware(Authorization) {}
