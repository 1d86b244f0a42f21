/**
 * The streams of an installation: which there shall be, what is different on the server, how that is put right, and how
 * far their readers are behind.
 */
import { Allowance, StreamDiff, StreamLayout, StreamPlan } from "@bulkhead/nats"
import { TenantSlug } from "@bulkhead/tenancy"
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { Authorization } from "./Authorization.ts"
import { ChangesRefusedProblem, RefusedProblem, TenantUnknownProblem, UnavailableProblem } from "./problems.ts"

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

/** What would be changed, and what tells it from other changes. */
export const StreamsComparison = Schema.Struct({
  ...StreamDiff.fields,
  /** For `shown` of a request that makes these changes and no others. */
  fingerprint: Schema.String
}).annotate({ identifier: "StreamsComparison" })
export type StreamsComparison = typeof StreamsComparison.Type

/** Told while changes are made; the last line is `done` or `interrupted`. */
export const ApplyEvent = Schema.Union([
  Schema.Struct({
    event: Schema.Literal("made"),
    kind: Schema.String,
    stream: Schema.String,
    consumer: Schema.optionalKey(Schema.String),
    /** Changes that are made, of so many. */
    made: Schema.Int,
    wanted: Schema.Int
  }),
  Schema.Struct({ event: Schema.Literal("done"), made: Schema.Int }),
  Schema.Struct({ event: Schema.Literal("interrupted"), problem: Schema.String })
]).annotate({ identifier: "ApplyEvent" })
export type ApplyEvent = typeof ApplyEvent.Type

const question = {
  layout: Schema.optionalKey(StreamLayout),
  mode: Schema.optionalKey(StreamPlan.fields.mode)
}
const ofTenant = { tenant: Schema.optionalKey(Schema.String) }

export class StreamsApi extends HttpApiGroup.make("streams")
  .add(
    HttpApiEndpoint.get("plan", "/plan", {
      query: Schema.Struct(question),
      success: StreamPlan,
      error: UnavailableProblem
    }).annotate(
      OpenApi.Description,
      "Every stream and consumer that there shall be, for the tenants of now. `layout` and `mode` show what another " +
        "layout or prefix mode would be; nothing is changed."
    ),
    HttpApiEndpoint.get("compare", "/compare", {
      query: Schema.Struct({ ...question, ...ofTenant }),
      success: StreamsComparison,
      error: [TenantUnknownProblem, RefusedProblem, UnavailableProblem]
    }).annotate(
      OpenApi.Description,
      "What differs between the plan and the server, what putting it right may cost, and what stands in the way. With " +
        "`tenant` only what concerns that tenant. Nothing is changed."
    ),
    HttpApiEndpoint.post("apply", "/apply", {
      payload: Schema.Struct({
        ...ofTenant,
        /** What may be lost, and where. */
        allow: Schema.optionalKey(Schema.Array(Allowance)),
        shown: Schema.optionalKey(Schema.String)
      }),
      success: HttpApiSchema.StreamNdjson({ schema: ApplyEvent }),
      error: [TenantUnknownProblem, ChangesRefusedProblem, RefusedProblem, UnavailableProblem]
    }).annotate(
      OpenApi.Description,
      "Makes the server as planned. Refused as a whole, before anything is changed, where something stands in the way, " +
        "where something may be lost that `allow` does not name, or where the changes are not those of the comparison whose " +
        "`fingerprint` is given in `shown`. Otherwise a line of JSON for each change as it is made. May be repeated."
    ),
    HttpApiEndpoint.get("lag", "/lag", {
      query: Schema.Struct(ofTenant),
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
