/**
 * Does the replays of one tenant that are asked for, beside its lane: rows that stay are copied, the messages are decoded
 * again into fresh tables by a lane of the same engine, and when that is close behind, the tables change places. It goes
 * on wherever it, or one before it, was interrupted. Nothing that goes wrong here touches the tenant's tables or its lane.
 */
import type { TenantSlug } from "@bulkhead/channels"
import { type Nats, type StreamIncarnation, streamRange } from "@bulkhead/nats"
import { currentLane, type LaneProgress, type LaneSource, type LaneTurns, runLane } from "@bulkhead/pipeline"
import { LaneStore, type Replay, ReplayLost, ReplayStore, StorageError, TenantStats } from "@bulkhead/storage"
import { Cause, Effect, Schedule, Schema } from "effect"
import { CoreConfig } from "../CoreConfig.ts"
import { ReplayDesk } from "./ReplayDesk.ts"
import { BATCH_BYTES_MAX, durableOf, recordLane } from "./recordLane.ts"
import { withoutWritten } from "./withoutWritten.ts"

const FORGET_AFTER_MS = 60_000

/** Rows of one copying transaction: the span of time is chosen so that it has about so many. */
const COPY_ROWS = { min: 20_000, max: 100_000 }
const SPAN_MS = { first: 3_600_000, max: 31 * 86_400_000 }

const LOOK_PERIOD = "100 millis"
/** How long the live lane waits for a swap; its messages stay in the stream. */
const STANDSTILL_MAX = "2 seconds"

const retryBackoff = Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("10 seconds")]).pipe(
  Schedule.jittered
)

/** The lane that is replayed. */
export interface LiveLane {
  readonly tenant: TenantSlug
  readonly source: LaneSource
  /** What a replay gets of what all lanes need, beside the lane itself. */
  readonly turns: LaneTurns
  readonly standingStill: StandingStill
}

/** Runs a swap while the live lane of this process stands still. */
export type StandingStill = <A, E, R>(swap: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** The replay can never be finished as it was asked for. */
class ReplayImpossible extends Schema.TaggedError<ReplayImpossible>()("ReplayImpossible", { problem: Schema.String }) {
  readonly isRetryable = false
  override get message(): string {
    return `${this.problem}. The tables are as they were; ask for a new replay`
  }
}

/** What the stream still holds must begin no later than right behind what was replayed. */
const refuseExpired = Effect.fnUntraced(function* (stream: string, watermark: number) {
  const range = yield* streamRange(stream)
  if (range.firstSequence <= watermark + 1 || range.firstSequence > range.lastSequence) return range
  return yield* new ReplayImpossible({
    problem: `The stream's limits removed messages up to sequence ${range.firstSequence - 1} before they were replayed, which had come to ${watermark}`
  })
})

const refuseOtherLane = Effect.fnUntraced(function* (tenant: TenantSlug, replay: Replay, source: StreamIncarnation) {
  const current = currentLane(source, yield* (yield* TenantStats).lanes(tenant))?.lane
  if (current !== replay.lane) {
    return yield* new ReplayImpossible({
      problem: `The stream was made anew or has lost messages since the replay was asked for: lane "${replay.lane}" was followed by "${current ?? "none"}"`
    })
  }
})

const copyAll = Effect.fnUntraced(function* (tenant: TenantSlug, begun: Replay) {
  const store = yield* ReplayStore
  let replay = begun
  let spanMs = SPAN_MS.first
  while (replay.status === "copying") {
    const copied = yield* store.copyNext(tenant, replay, spanMs)
    replay = copied.replay
    if (copied.rows < COPY_ROWS.min) spanMs = Math.min(spanMs * 2, SPAN_MS.max)
    else if (copied.rows > COPY_ROWS.max) spanMs = Math.max(spanMs / 2, 1)
  }
  return replay
})

/** Ends when the fresh tables are at most `behindMax` sequences behind the live ones. */
const whenClose = Effect.fnUntraced(function* (tenant: TenantSlug, replay: Replay, stream: string, behindMax: number) {
  const store = yield* ReplayStore
  const isClose = Effect.gen(function* () {
    const { watermark, laneWatermark } = yield* store.progress(tenant, replay)
    yield* refuseExpired(stream, watermark ?? 0)
    return watermark !== null && laneWatermark !== null && laneWatermark - watermark <= behindMax
  })
  yield* Effect.repeat(isClose, { schedule: Schedule.spaced(LOOK_PERIOD), until: (close) => close })
})

/** Nobody asks how a replay's lane does: the API reads it from the fresh schema. */
const unwatched = (): LaneProgress => ({ rowsWritten: 0, deadLetters: 0, lastCommitAtMs: undefined, lag: undefined })

/** The engine of every lane, writing into the fresh tables. */
const runFreshLane = Effect.fnUntraced(function* ({ tenant, source, turns }: LiveLane, replay: Replay) {
  const config = yield* CoreConfig
  const store = yield* ReplayStore
  const lane = yield* store.freshLane(tenant, replay)
  const range = yield* refuseExpired(source.stream, lane?.watermark ?? 0)
  const { filterSubjects, decode } = recordLane(tenant, config.storedLogs)
  const context = yield* Effect.context<Nats>()
  /** Why a commit was refused before it reached the store. */
  let refusal: Effect.Error<ReturnType<typeof refuseExpired>> | undefined
  const refuse = (error: NonNullable<typeof refusal>) => {
    refusal = error
    const reason = new ReplayLost({ tenant, replay: replay.id })
    return new StorageError({ operation: "followReplays.commit", reason })
  }
  const fresh = LaneStore.of({
    ...store.lanes,
    // What was removed unread was removed before this batch came.
    commit: (batch) =>
      refuseExpired(source.stream, batch.from).pipe(
        Effect.mapError(refuse),
        Effect.provideContext(context),
        Effect.andThen(store.lanes.commit(batch))
      )
  })
  return yield* runLane({
    tenant,
    source: { ...source, ...range },
    durable: `${durableOf(source.stream, tenant)}-replay`,
    forgetAfterMs: FORGET_AFTER_MS,
    filterSubjects,
    // Rows of other lanes were copied.
    decode: withoutWritten(decode, source, yield* (yield* TenantStats).lanes(tenant)),
    limits: { rowsMax: config.batchRowsMax, bytesMax: BATCH_BYTES_MAX, ageMs: config.batchAgeMs },
    present: lane === undefined ? [] : [lane],
    turns,
    progress: unwatched(),
    onCommit: () => Effect.void
  }).pipe(
    Effect.provideService(LaneStore, fresh),
    Effect.mapError((error) => refusal ?? error)
  )
})

/** One replay from where it stands to its end. */
const runReplay = Effect.fnUntraced(function* (live: LiveLane, replay: Replay) {
  const { tenant, source, standingStill } = live
  const store = yield* ReplayStore
  const { batchRowsMax } = yield* CoreConfig
  yield* refuseOtherLane(tenant, replay, source)
  const begun = yield* copyAll(tenant, yield* store.prepare(tenant, replay))
  const freshLane = runFreshLane(live, begun)
  const catchUp = (until: ReturnType<typeof whenClose>) => Effect.scoped(Effect.raceFirst(freshLane, until))
  const swapped = Effect.gen(function* () {
    yield* catchUp(whenClose(tenant, begun, source.stream, batchRowsMax))
    return yield* standingStill(
      // A lane that stands still is reached at once. One that another process writes may always be a little ahead, and
      // is taken back by so little.
      Effect.andThen(
        catchUp(whenClose(tenant, begun, source.stream, 0).pipe(Effect.timeoutOption(STANDSTILL_MAX))),
        store.swap(tenant, begun, batchRowsMax)
      )
    )
  })
  yield* Effect.repeat(swapped, { until: (done) => done })
  yield* Effect.logInfo("replay done", { replay: replay.id, lane: replay.lane, from: replay.fromSequence })
})

/** A defect, and what PostgreSQL or the stream will refuse again. */
const isLasting = (error: unknown): boolean =>
  error instanceof ReplayImpossible || (error instanceof StorageError && error.reason._tag === "StatementRefused")

/** Ends a replay that cannot go on; any other failure is given back, to try again. */
const settle = Effect.fnUntraced(function* <E>(tenant: TenantSlug, replay: Replay, cause: Cause.Cause<E>) {
  if (Cause.hasInterruptsOnly(cause)) return yield* Effect.failCause(cause)
  const store = yield* ReplayStore
  // What was cancelled under it fails in many ways, and none of them matters.
  if ((yield* store.unfinished(tenant))?.id !== replay.id) return
  const error = Cause.squash(cause)
  const problem = error instanceof Error ? error.message : String(error)
  if (!Cause.hasDies(cause) && !isLasting(error)) {
    yield* Effect.logWarning("replay waits, and is tried again", { replay: replay.id, problem })
    return yield* Effect.failCause(cause)
  }
  yield* Effect.logError("replay failed", { replay: replay.id, problem })
  yield* store.fail(tenant, replay.id, problem)
})

/** Does the tenant's replays until it is interrupted. */
export const followReplays = Effect.fnUntraced(function* (live: LiveLane) {
  const { tenant } = live
  const store = yield* ReplayStore
  const desk = yield* ReplayDesk
  const next = Effect.gen(function* () {
    const replay = yield* store.unfinished(tenant)
    if (replay === undefined) return yield* store.answer(tenant)
    yield* runReplay(live, replay).pipe(Effect.catchCause((cause) => settle(tenant, replay, cause)))
  })
  return yield* desk.awaitCall(tenant).pipe(Effect.andThen(Effect.retry(next, retryBackoff)), Effect.forever)
})
