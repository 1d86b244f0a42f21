/**
 * Health of each tenant, as an operator wants it at a glance.
 */
import { TenantSlug, TenantStatus } from "@bulkhead/tenancy"
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { Authorization } from "./Authorization.ts"
import { TenantUnknownProblem, UnavailableProblem } from "./problems.ts"

/** One flow of a tenant from its stream into its schema. */
export const LaneHealth = Schema.Struct({
  /** The stream and when it was made: `events-acme@2026-11-24T10:00:00Z`. */
  lane: Schema.String,
  /** The last sequence of the stream that is written. */
  watermark: Schema.Int,
  lagMessages: Schema.Int,
  /** Age of the oldest message not yet stored, milliseconds; absent without lag. */
  lagMs: Schema.optionalKey(Schema.Number)
}).annotate({ identifier: "LaneHealth" })

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
  /** Those of them that are there now, by reason: neither stored since, nor purged, nor expired. */
  deadLettersPresent: Schema.Record(Schema.String, Schema.Int),
  /** Of all its lanes. */
  lagMessages: Schema.Int,
  /** Age of the oldest message not yet stored, milliseconds; absent without lag. */
  lagMs: Schema.optionalKey(Schema.Number),
  /** The lanes that run in the replica that was asked. */
  lanes: Schema.Array(LaneHealth),
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
