/**
 * A tenant's dead letters: messages that could never be stored. Look at them, try them again after a fix, purge them.
 */
import { DEAD_LETTER_REASONS } from "@bulkhead/storage"
import { Effect, Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { Authorization } from "./Authorization.ts"
import {
  ConfirmationProblem,
  DeadLetterUnknownProblem,
  RefusedProblem,
  TenantUnknownProblem,
  UnavailableProblem
} from "./problems.ts"

/** Letters on one page, and letters that one request tries again. */
export const LETTERS_MAX = 1_000

const id = Schema.Int.check(Schema.isGreaterThan(0))
const idText = Schema.FiniteFromString.pipe(Schema.decodeTo(id))
const limit = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: LETTERS_MAX }))
const reason = Schema.Literals(DEAD_LETTER_REASONS)
const subject = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(1_000))

/** Which dead letters; what is absent restricts nothing. */
export const DeadLetterFilter = Schema.Struct({
  reason: Schema.optionalKey(reason),
  /** A subject, or a pattern with `*` and `>`. */
  subject: Schema.optionalKey(subject),
  lane: Schema.optionalKey(Schema.String),
  /** Received by the stream at or after this, RFC 3339 … */
  since: Schema.optionalKey(Schema.DateTimeUtcFromString),
  /** … and before this. */
  until: Schema.optionalKey(Schema.DateTimeUtcFromString)
}).annotate({ identifier: "DeadLetterFilter" })
export type DeadLetterFilter = typeof DeadLetterFilter.Type

/** A dead letter without what it carries. */
export const DeadLetterEntry = Schema.Struct({
  id,
  lane: Schema.String,
  /** Its sequence in the stream. */
  sequence: Schema.Int,
  subject: Schema.String,
  reason,
  detail: Schema.String,
  payloadBytes: Schema.Int,
  receivedAt: Schema.DateTimeUtcFromString,
  createdAt: Schema.DateTimeUtcFromString,
  /** How often it was tried again, and when last. */
  attempts: Schema.Int,
  attemptedAt: Schema.optionalKey(Schema.DateTimeUtcFromString)
}).annotate({ identifier: "DeadLetterEntry" })
export type DeadLetterEntry = typeof DeadLetterEntry.Type

export const DeadLetterPage = Schema.Struct({
  letters: Schema.Array(DeadLetterEntry),
  /** Send it as `before` for the next page; absent on the last one. */
  next: Schema.optionalKey(id),
  /** All letters of the tenant by reason, whatever the filter. */
  counts: Schema.Record(Schema.String, Schema.Int)
}).annotate({ identifier: "DeadLetterPage" })

export const DeadLetter = Schema.Struct({
  ...DeadLetterEntry.fields,
  headers: Schema.Record(Schema.String, Schema.String),
  payloadBase64: Schema.String,
  /** The payload where it is UTF-8. */
  payloadText: Schema.optionalKey(Schema.String)
}).annotate({ identifier: "DeadLetter" })

const someIds = Schema.Struct({
  ids: Schema.Array(id).check(Schema.isMinLength(1), Schema.isMaxLength(LETTERS_MAX))
})

/** Letters by id, or those that a filter finds, from the oldest on. */
export const Retry = Schema.Union([
  someIds,
  Schema.Struct({
    filter: DeadLetterFilter,
    /** `next` of the answer before. */
    after: Schema.optionalKey(id),
    limit: limit.pipe(Schema.withDecodingDefaultKey(Effect.succeed(LETTERS_MAX)))
  })
]).annotate({ identifier: "DeadLetterRetry" })

const Outcome = Schema.Union([
  Schema.Struct({ id, outcome: Schema.Literal("stored"), rows: Schema.Int }),
  Schema.Struct({ id, outcome: Schema.Literal("kept"), reason, detail: Schema.String }),
  Schema.Struct({ id, outcome: Schema.Literal("gone") })
])

export const RetryReport = Schema.Struct({
  stored: Schema.Int,
  kept: Schema.Int,
  gone: Schema.Int,
  /** Letters that the filter finds and this request did not come to. */
  left: Schema.Int,
  /** Send it as `after` to go on with them; absent where none is left. */
  next: Schema.optionalKey(id),
  outcomes: Schema.Array(Outcome)
}).annotate({ identifier: "DeadLetterRetryReport" })
export type RetryReport = typeof RetryReport.Type

export const Purge = Schema.Union([
  someIds,
  Schema.Struct({
    filter: DeadLetterFilter,
    /** The filter in words, as the refusal of a request without it says. */
    confirm: Schema.optionalKey(Schema.String)
  })
]).annotate({ identifier: "DeadLetterPurge" })

export const PurgeReport = Schema.Struct({ purged: Schema.Int }).annotate({ identifier: "DeadLetterPurgeReport" })

const params = { slug: Schema.String }
const errors = [TenantUnknownProblem, RefusedProblem, UnavailableProblem] as const

export class DeadLettersApi extends HttpApiGroup.make("deadLetters")
  .add(
    HttpApiEndpoint.get("list", "/:slug/dead-letters", {
      params,
      query: Schema.Struct({
        ...DeadLetterFilter.fields,
        before: Schema.optionalKey(idText),
        limit: Schema.FiniteFromString.pipe(
          Schema.decodeTo(limit),
          Schema.withDecodingDefaultKey(Effect.succeed("100"))
        )
      }),
      success: DeadLetterPage,
      error: [...errors]
    }).annotate(OpenApi.Description, "The newest first, without what they carry."),
    HttpApiEndpoint.get("get", "/:slug/dead-letters/:id", {
      params: { ...params, id: idText },
      success: DeadLetter,
      error: [...errors, DeadLetterUnknownProblem]
    }),
    HttpApiEndpoint.post("retry", "/:slug/dead-letters/replay", {
      params,
      payload: Retry,
      success: RetryReport,
      error: [...errors]
    }).annotate(
      OpenApi.Description,
      "Decodes letters again. What becomes rows is stored once, also when this is asked twice; the rest stays, with what " +
        "is wrong now."
    ),
    HttpApiEndpoint.post("purge", "/:slug/dead-letters/purge", {
      params,
      payload: Purge,
      success: PurgeReport,
      error: [...errors, ConfirmationProblem]
    }).annotate(
      OpenApi.Description,
      "Removes letters for good. A filter is confirmed in words: ask without `confirm` to see how many it finds and which " +
        "words."
    )
  )
  .prefix("/v1/tenants")
  .middleware(Authorization) {}
