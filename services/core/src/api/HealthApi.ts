/**
 * Health of each tenant, as an operator wants it at a glance.
 */
import { TenantSlug, TenantStatus } from "@bulkhead/tenancy"
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { Authorization } from "./Authorization.ts"
import { TenantUnknownProblem, UnavailableProblem } from "./problems.ts"

/** The state of one tenant's flow from its stream into its schema. Counts are since core started, unless they say else. */
export const TenantHealth = Schema.Struct({
  tenant: TenantSlug,
  status: TenantStatus,
  /** The id of the replica that runs it; absent while none does. What another replica told of it may be seconds old. */
  replica: Schema.optionalKey(Schema.String),
  /** Why it does not run as it should. */
  reason: Schema.optionalKey(Schema.String),
  /** Which quota holds it back: `rate` writes as fast as it may, `storage` nothing. */
  heldBy: Schema.optionalKey(Schema.Literals(["rate", "storage"])),
  /** Messages the tenant's stream has taken since it was made. */
  eventsIn: Schema.Int,
  /** Rows in the tenant's event table that this lane has written, over all restarts. */
  rowsWritten: Schema.Int,
  /** Messages that could never be stored, kept in the tenant's dead letters. */
  deadLetters: Schema.Int,
  lagMessages: Schema.Int,
  /** Age of the oldest message not yet stored, milliseconds; absent without lag. */
  lagMs: Schema.optionalKey(Schema.Number),
  lastCommitAt: Schema.optionalKey(Schema.DateTimeUtcFromString),
  restarts: Schema.Int,
  lastError: Schema.optionalKey(Schema.String)
}).annotate({ identifier: "TenantHealth" })
export type TenantHealth = typeof TenantHealth.Type

export class HealthApi extends HttpApiGroup.make("health")
  .add(
    HttpApiEndpoint.get("list", "/", { success: Schema.Array(TenantHealth), error: UnavailableProblem }),
    HttpApiEndpoint.get("get", "/:slug", {
      params: { slug: Schema.String },
      success: TenantHealth,
      error: [TenantUnknownProblem, UnavailableProblem]
    })
  )
  .prefix("/health/tenants")
  .middleware(Authorization) {}
