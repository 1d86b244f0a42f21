/**
 * What the replays API does: it finds out where a replay is to begin, and records that it is wanted.
 */
import { isTenantSlug, SHARED_STREAM_NAME, streamName, type TenantSlug } from "@bulkhead/channels"
import { type NatsError, type StreamRange, sequenceBefore, streamRange } from "@bulkhead/nats"
import { currentLane } from "@bulkhead/pipeline"
import { ReplayStore, type Replay as StoredReplay, TenantStats } from "@bulkhead/storage"
import { DateTime, Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { CoreConfig } from "../CoreConfig.ts"
import { ReplayDesk } from "../lanes/ReplayDesk.ts"
import { CoreApi } from "./CoreApi.ts"
import { OutOfReachProblem, RefusedProblem, ReplayUnknownProblem, UnavailableProblem } from "./problems.ts"
import type { NewReplay, Replay } from "./ReplaysApi.ts"
import { schemaFailures } from "./schemaFailures.ts"
import { unknownTenant } from "./tenantFailures.ts"

const timeKey = <Key extends string>(key: Key, time: Date | null) =>
  (time === null ? {} : { [key]: DateTime.makeUnsafe(time) }) as { readonly [K in Key]?: DateTime.Utc }

/** A server that is away, or a stream that is not there yet. */
const streamFailure = (tenant: string) => (error: NatsError) =>
  Effect.fail(
    error.isRetryable
      ? new UnavailableProblem({ detail: `${error.message}. Nothing was changed`, dependency: "nats" })
      : new RefusedProblem({
          detail: `The stream of tenant "${tenant}" cannot be read (${error.message}): look at GET /health/tenants/${tenant}`
        })
  )

const firstOf = ({ firstSequence, firstReceivedAt }: StreamRange): string =>
  firstReceivedAt === undefined
    ? "it holds no message"
    : `its oldest message is ${firstSequence}, received at ${firstReceivedAt.toISOString()}: ask from there on`

/** The sequence that is meant, as far as the stream alone can tell. */
const sequenceOf = Effect.fnUntraced(function* (from: typeof NewReplay.Type.from, range: StreamRange) {
  const { stream, firstSequence: first, lastSequence: last } = range
  const gone = (what: string) =>
    new OutOfReachProblem({ detail: `Stream "${stream}" no longer holds ${what}; ${firstOf(range)}`, first, last })
  if ("sequence" in from) {
    return from.sequence < first ? yield* gone(`the message ${from.sequence}`) : from.sequence
  }
  const time = DateTime.toDateUtc(from.time)
  const oldest = range.firstReceivedAt
  // A stream from which nothing was removed holds all times.
  if (first > 1 && (oldest === undefined || time < oldest)) {
    return yield* gone(`everything since ${time.toISOString()}`)
  }
  const sequence = oldest !== undefined && time <= oldest ? first : (yield* sequenceBefore(stream, time)) + 1
  if (sequence <= last) return sequence
  return yield* new OutOfReachProblem({
    detail: `Stream "${stream}" has received nothing since ${time.toISOString()}; ${firstOf(range)}`,
    first,
    last
  })
})

export const ReplaysHandlers = HttpApiBuilder.group(
  CoreApi,
  "replays",
  Effect.fn(function* (handlers) {
    const { eventWriter, layout } = yield* CoreConfig
    const store = yield* ReplayStore
    const stats = yield* TenantStats
    const desk = yield* ReplayDesk

    const slugOf = (slug: string) => (isTenantSlug(slug) ? Effect.succeed(slug) : unknownTenant(slug))

    const shown = Effect.fnUntraced(function* (tenant: TenantSlug, replay: StoredReplay) {
      const { watermark, laneWatermark, rows, deadLetters } = yield* store
        .progress(tenant, replay)
        .pipe(schemaFailures(tenant))
      const { id, lane, fromSequence, status, requestedAt, rowsCopied, error } = replay
      const answer: Replay = {
        id,
        lane,
        fromSequence,
        status,
        requestedAt: DateTime.makeUnsafe(requestedAt),
        ...timeKey("startedAt", replay.startedAt),
        ...timeKey("finishedAt", replay.finishedAt),
        ...timeKey("copiedTo", replay.copiedTo),
        rowsCopied,
        ...(watermark === null ? {} : { watermark }),
        ...(laneWatermark === null ? {} : { laneWatermark }),
        rows,
        deadLetters,
        ...(error === null ? {} : { error })
      }
      return answer
    })

    const known = (slug: string, id: number, replay: StoredReplay | undefined) =>
      replay === undefined
        ? Effect.fail(
            new ReplayUnknownProblem({
              detail: `Tenant "${slug}" has no replay ${id}. List them with GET /v1/tenants/${slug}/replays`
            })
          )
        : Effect.succeed(replay)

    return handlers.handleAll({
      request: Effect.fnUntraced(function* ({ params, payload }) {
        const tenant = yield* slugOf(params.slug)
        if (eventWriter === "off") {
          const detail = "A replay is done by core's own writer, and CORE_EVENT_WRITER is off: start core with it on"
          return yield* new RefusedProblem({ detail })
        }
        const lanes = yield* stats.lanes(tenant).pipe(schemaFailures(tenant))
        const range = yield* streamRange(layout === "shared" ? SHARED_STREAM_NAME : streamName(tenant)).pipe(
          Effect.catch(streamFailure(tenant))
        )
        const fromSequence = yield* sequenceOf(payload.from, range).pipe(
          Effect.catchTag("NatsError", streamFailure(tenant))
        )
        const lane = currentLane(range, lanes)?.lane
        if (lane === undefined) {
          return yield* new RefusedProblem({
            detail: `Tenant "${tenant}" has written nothing of its stream "${range.stream}" yet: there is nothing to replay`
          })
        }
        const replay = yield* store.request(tenant, { lane, fromSequence }).pipe(
          Effect.catchReason("StorageError", "OutOfReach", ({ message, first, last }) =>
            Effect.fail(new OutOfReachProblem({ detail: message, first, last }))
          ),
          schemaFailures(tenant)
        )
        yield* desk.look
        return yield* shown(tenant, replay)
      }),
      list: Effect.fnUntraced(function* ({ params }) {
        const tenant = yield* slugOf(params.slug)
        const replays = yield* store.list(tenant).pipe(schemaFailures(tenant))
        return yield* Effect.forEach(replays, (replay) => shown(tenant, replay))
      }),
      get: Effect.fnUntraced(function* ({ params: { slug, id } }) {
        const tenant = yield* slugOf(slug)
        return yield* shown(tenant, yield* known(slug, id, yield* store.get(tenant, id).pipe(schemaFailures(tenant))))
      }),
      cancel: Effect.fnUntraced(function* ({ params: { slug, id } }) {
        const tenant = yield* slugOf(slug)
        const replay = yield* known(slug, id, yield* store.cancel(tenant, id).pipe(schemaFailures(tenant)))
        return yield* shown(tenant, replay)
      })
    })
  })
)
