/**
 * What is wanted of the server: streams, and who reads them. A value without behaviour, which services hand each other
 * as JSON.
 */
import { TenantSlug } from "@bulkhead/tenancy"
import { Schema } from "effect"
import { StreamSettings } from "./StreamSettings.ts"

/** A durable consumer of a planned stream. */
export const PlannedConsumer = Schema.Struct({
  name: Schema.String,
  /** Whose messages it reads; absent where it reads those of all. */
  tenant: Schema.optionalKey(TenantSlug),
  filterSubjects: Schema.Array(Schema.String),
  /**
   * `reader`: makes it anew at its own watermark whenever it starts, so the plan only knows of it. `plan`: it is made
   * and changed with the streams, and whoever uses it finds it there.
   */
  madeBy: Schema.Literals(["reader", "plan"])
}).annotate({ identifier: "PlannedConsumer" })
export type PlannedConsumer = typeof PlannedConsumer.Type

export const PlannedStream = Schema.Struct({
  ...StreamSettings.fields,
  name: Schema.String,
  /** Whose messages it holds; absent where it holds those of all, or the platform's own. */
  tenant: Schema.optionalKey(TenantSlug),
  subjects: Schema.Array(Schema.String),
  /**
   * Whether publishers may have several messages stored all or none, as relays of sites do; as it is when absent. Servers
   * before 2.12 know no such thing, and are not asked for it.
   */
  allowAtomic: Schema.optionalKey(Schema.Boolean),
  consumers: Schema.optionalKey(Schema.Array(PlannedConsumer))
}).annotate({ identifier: "PlannedStream" })
export type PlannedStream = typeof PlannedStream.Type

/** A stream for each tenant, or one for all. */
export const StreamLayout = Schema.Literals(["per-tenant", "shared"])
export type StreamLayout = typeof StreamLayout.Type

export const StreamPlan = Schema.Struct({
  layout: StreamLayout,
  mode: Schema.Literals(["prefixed", "legacy", "both"]),
  /** Every tenant there is, by slug, also those that have no subject in this mode. */
  tenants: Schema.Array(TenantSlug),
  /** By name. */
  streams: Schema.Array(PlannedStream)
}).annotate({ identifier: "StreamPlan" })
export type StreamPlan = typeof StreamPlan.Type
