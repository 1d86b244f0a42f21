/**
 * The streams of an installation: which there shall be, and how far their readers are behind.
 */
import { StreamLayout, StreamPlan } from "@bulkhead/nats"
import { TenantSlug } from "@bulkhead/tenancy"
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { Authorization } from "./Authorization.ts"
import { RefusedProblem, TenantUnknownProblem, UnavailableProblem } from "./problems.ts"

/** How far one reader of a stream is behind. */
export const ReaderLag = Schema.Struct({
  stream: Schema.String,
  /** Its consumer. */
  consumer: Schema.String,
  /** The reader among those of the plan; absent for one that no plan knows. */
  reader: Schema.optionalKey(Schema.String),
  /** Whose messages it reads; absent where it reads those of several tenants. */
  tenant: Schema.optionalKey(TenantSlug),
  /** Messages that it has not read. */
  pending: Schema.Int,
  /** Messages that it has read and not acknowledged. */
  ackPending: Schema.Int,
  /** For how long the oldest of them has waited, milliseconds; absent without any, or where the stream does not say. */
  lagMs: Schema.optionalKey(Schema.Number),
  /** The last sequence that was delivered to it; 0 when none was. */
  deliveredThrough: Schema.Int,
  deliveredAt: Schema.optionalKey(Schema.DateTimeUtcFromString)
}).annotate({ identifier: "ReaderLag" })
export type ReaderLag = typeof ReaderLag.Type

export class StreamsApi extends HttpApiGroup.make("streams")
  .add(
    HttpApiEndpoint.get("plan", "/plan", {
      query: Schema.Struct({
        layout: Schema.optionalKey(StreamLayout),
        mode: Schema.optionalKey(StreamPlan.fields.mode)
      }),
      success: StreamPlan,
      error: UnavailableProblem
    }).annotate(
      OpenApi.Description,
      "Every stream and consumer that there shall be, for the tenants of now. `layout` and `mode` show what another " +
        "layout or prefix mode would be; nothing is changed."
    ),
    HttpApiEndpoint.get("lag", "/lag", {
      query: Schema.Struct({ tenant: Schema.optionalKey(Schema.String) }),
      success: Schema.Array(ReaderLag),
      error: [TenantUnknownProblem, RefusedProblem, UnavailableProblem]
    }).annotate(
      OpenApi.Description,
      "How far each reader of each tenant's stream is behind, those that are not the platform's included: asked of the " +
        "server now, one question for each stream that has readers."
    )
  )
  .prefix("/v1/streams")
  .middleware(Authorization) {}
