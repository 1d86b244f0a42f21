/**
 * A tenant as the control plane records it.
 */
import { Schema } from "effect"
import { TenantId, TenantSlug } from "./TenantSlug.ts"

export const TenantPlan = Schema.Literals(["free", "pro", "enterprise"])
export type TenantPlan = typeof TenantPlan.Type

/**
 * What is wanted of a tenant, and how far it is: `provisioning` until all its walls stand, `active` while its lanes
 * run, `degraded` while one of them does not, `suspended` while its clients are cut and its data kept, `deleting` until
 * nothing of it is left.
 */
export const TenantStatus = Schema.Literals(["provisioning", "active", "degraded", "suspended", "deleting"])
export type TenantStatus = typeof TenantStatus.Type

/** A customer organisation. Its slug never changes; its name is for people. */
export class Tenant extends Schema.Class<Tenant>("Tenant")({
  id: TenantId,
  slug: TenantSlug,
  name: Schema.String,
  plan: TenantPlan,
  /** Limits that were set for this tenant alone, by name, in place of its plan's. */
  limits: Schema.Record(Schema.String, Schema.Union([Schema.Int, Schema.Literal("unlimited")])),
  status: TenantStatus,
  /** Rises with each thing that is asked for: a plan, a suspension. */
  generation: Schema.Int,
  /** The generation that every server has; below `generation` while something asked for is not done yet. */
  appliedGeneration: Schema.Int,
  createdAt: Schema.DateTimeUtcFromString,
  updatedAt: Schema.DateTimeUtcFromString
}) {}
