/**
 * Replays of a tenant's lane: its messages decoded again, from some place of its stream on, into fresh tables that then
 * replace the old ones. Events go on being stored meanwhile.
 */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { Authorization } from "./Authorization.ts"
import {
  OutOfReachProblem,
  RefusedProblem,
  ReplayUnknownProblem,
  TenantUnknownProblem,
  UnavailableProblem
} from "./problems.ts"

const sequence = Schema.Int.check(Schema.isGreaterThan(0))

/** Where a replay begins. */
export const NewReplay = Schema.Struct({
  from: Schema.Union([
    /** The first message that is decoded again. */
    Schema.Struct({ sequence }),
    /** The first message that the stream received at or after this, RFC 3339. */
    Schema.Struct({ time: Schema.DateTimeUtcFromString })
  ])
}).annotate({ identifier: "NewReplay" })

export const Replay = Schema.Struct({
  id: Schema.Int,
  lane: Schema.String,
  fromSequence: Schema.Int,
  /**
   * `requested`; `copying` rows that stay as they are; `running`, messages are decoded again; `done`, the fresh tables are
   * the tenant's; `cancelled` and `failed`, the tables are as they were.
   */
  status: Schema.Literals(["requested", "copying", "running", "done", "cancelled", "failed"]),
  requestedAt: Schema.DateTimeUtcFromString,
  startedAt: Schema.optionalKey(Schema.DateTimeUtcFromString),
  finishedAt: Schema.optionalKey(Schema.DateTimeUtcFromString),
  /** Rows of earlier times that stay as they are have been copied. */
  copiedTo: Schema.optionalKey(Schema.DateTimeUtcFromString),
  rowsCopied: Schema.Int,
  /** The last message that was decoded again, and the last one of the lane as it stands. */
  watermark: Schema.optionalKey(Schema.Int),
  laneWatermark: Schema.optionalKey(Schema.Int),
  /** What the messages became. */
  rows: Schema.Int,
  deadLetters: Schema.Int,
  /** Why it failed. */
  error: Schema.optionalKey(Schema.String)
}).annotate({ identifier: "Replay" })
export type Replay = typeof Replay.Type

const params = { slug: Schema.String }
const one = { ...params, id: Schema.FiniteFromString.pipe(Schema.decodeTo(sequence)) }
const errors = [TenantUnknownProblem, UnavailableProblem] as const

export class ReplaysApi extends HttpApiGroup.make("replays")
  .add(
    HttpApiEndpoint.post("request", "/:slug/replays", {
      params,
      payload: NewReplay,
      success: Replay.pipe(HttpApiSchema.status(202)),
      error: [...errors, RefusedProblem, OutOfReachProblem]
    }).annotate(
      OpenApi.Description,
      "Asks for a replay, one at a time for a tenant. What was stored from older messages stays as it is."
    ),
    HttpApiEndpoint.get("list", "/:slug/replays", {
      params,
      success: Schema.Array(Replay),
      error: [...errors, RefusedProblem]
    }).annotate(OpenApi.Description, "The newest first, a hundred at most."),
    HttpApiEndpoint.get("get", "/:slug/replays/:id", {
      params: one,
      success: Replay,
      error: [...errors, RefusedProblem, ReplayUnknownProblem]
    }),
    HttpApiEndpoint.delete("cancel", "/:slug/replays/:id", {
      params: one,
      success: Replay,
      error: [...errors, RefusedProblem, ReplayUnknownProblem]
    }).annotate(
      OpenApi.Description,
      "Ends a replay and leaves the tables as they were. One that is finished stays what it is: its `status` says which."
    )
  )
  .prefix("/v1/tenants")
  .middleware(Authorization) {}
