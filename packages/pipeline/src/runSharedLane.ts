/**
 * The engine of a writer that serves all tenants: takes the messages of a stream that they share in order, and commits
 * each tenant's part of a batch into the tenant's own lane, each message exactly once.
 *
 * Every tenant has the lane and the watermark that a writer of its own would have, so both may run at once. A tenant that
 * cannot be written, is slow, or is new, is held back: the others go on, and it gets a lane of its own until it has
 * caught up (`catchUp.ts`). The low watermark says where to begin after a restart, and who is held back. Three batches
 * are in memory at most, and as many of each tenant that has a lane of its own.
 */
import { patternsForAllTenants, type TenantSlug } from "@bulkhead/channels"
import { ConsumeError, openBatchConsumer, SourceMissing, type StreamMessage, sequenceBefore } from "@bulkhead/nats"
import {
  DatabaseUnavailable,
  type HeldTenant,
  LaneLost,
  type LaneStats,
  LaneStore,
  type SharedLaneSession,
  SharedLanes,
  StorageError,
  TenantStats,
  TenantStore
} from "@bulkhead/storage"
import { withTenant } from "@bulkhead/tenancy"
import { Effect, FiberMap, Queue, Result } from "effect"
import type { DecodedBatch } from "./BatchDecoding.ts"
import { catchUp, holdReasonOf } from "./catchUp.ts"
import { decodeAtOnce } from "./decodeAtOnce.ts"
import { findSource } from "./findSource.ts"
import { Roster, type Seat } from "./Roster.ts"
import type { SharedLaneOptions } from "./SharedLaneOptions.ts"
import { CLOCK_MARGIN_MS, type LaneSource, seatLane } from "./seatLane.ts"
import { splitByTenant } from "./splitByTenant.ts"

/** How often the low watermark is written; what lies above it is read again after a crash, and skipped. */
const KEEP_EVERY = "1 second"
const STANDBY_LOOK_EVERY = "1 second"
const KEEP_AT_END_TIMEOUT = "2 seconds"

/** One tenant's part of a batch. */
interface Part {
  readonly seat: Seat
  readonly messages: ReadonlyArray<StreamMessage>
  readonly decoded: DecodedBatch
}

interface NextBatch {
  readonly parts: ReadonlyArray<Part>
  readonly to: number
}

/** Waits until no other process writes this lane. */
const awaitTurn = Effect.fnUntraced(function* (session: SharedLaneSession, options: SharedLaneOptions) {
  while (!(yield* session.isOnlyWriter)) {
    options.progress.phase = "standby"
    yield* Effect.sleep(STANDBY_LOOK_EVERY)
  }
})

/** The tenants' lanes before the stream is looked at: see `seatLane`. */
const lanesBefore = Effect.fnUntraced(function* (tenants: ReadonlyArray<TenantSlug>, atOnce: number) {
  const stats = yield* TenantStats
  return yield* Effect.forEach(
    tenants,
    (tenant) => Effect.map(Effect.result(stats.lanes(tenant)), (lanes) => ({ tenant, lanes })),
    { concurrency: atOnce }
  )
})

/** Where to read on. A stream that has lost messages is read from where it stood when the place was kept. */
const beginAt = Effect.fnUntraced(function* (session: SharedLaneSession, source: LaneSource) {
  const place = yield* session.place
  if (place.watermark <= source.lastSequence) return place
  yield* Effect.logError("the shared stream has lost messages that were written", {
    written: place.watermark,
    left: source.lastSequence
  })
  const since = new Date(place.updatedAt.getTime() - CLOCK_MARGIN_MS)
  const watermark = yield* sequenceBefore(source.stream, since)
  yield* session.keep(watermark, place.held)
  return { ...place, watermark }
})

/** Runs the lane until it fails or is interrupted. */
export const runSharedLane = Effect.fnUntraced(function* (options: SharedLaneOptions) {
  const { progress } = options
  const store = yield* LaneStore
  const roster = new Roster()
  const ownLanes = yield* FiberMap.make<TenantSlug>()

  const hold = Effect.fnUntraced(function* (held: HeldTenant, passedThrough: number) {
    const isNew = !roster.isHeld(held.tenant)
    const made = roster.hold(held, passedThrough)
    if (!isNew) return
    yield* Effect.logInfo("a tenant is held back", held)
    yield* FiberMap.run(ownLanes, held.tenant, catchUp(options, roster, made))
  })

  progress.phase = "starting"
  const found = yield* findSource(options)
  const session = yield* (yield* SharedLanes).open(found)
  yield* awaitTurn(session, options)

  /** A tenant's trouble is its own as long as the database answers. */
  const holdAfter = Effect.fnUntraced(function* (tenant: TenantSlug, error: StorageError, passedThrough: number) {
    if (error.isRetryable) yield* session.check
    yield* hold({ tenant, reason: holdReasonOf(error), problem: error.message }, passedThrough)
  })

  const seatOne = (tenant: TenantSlug, lanes: Result.Result<ReadonlyArray<LaneStats>, StorageError>, at: LaneSource) =>
    Effect.fromResult(lanes).pipe(
      Effect.flatMap((present) => seatLane(tenant, at, present)),
      Effect.map((seat) => roster.admit({ tenant, ...seat }, 0)),
      Effect.asVoid,
      Effect.catchTag("StorageError", (error) => holdAfter(tenant, error, 0))
    )

  const known = yield* Effect.map((yield* TenantStore).list, (all) => all.map(({ slug }) => slug))
  const before = yield* lanesBefore(known, options.commitsAtOnce)
  const source = yield* findSource(options)
  if (source.createdAt !== found.createdAt) return yield* madeAnew(options)
  const begin = yield* beginAt(session, source)
  for (const held of begin.held) yield* hold(held, begin.watermark)
  yield* Effect.forEach(
    before.filter(({ tenant }) => !roster.isHeld(tenant)),
    ({ tenant, lanes }) => seatOne(tenant, lanes, source),
    { concurrency: options.commitsAtOnce, discard: true }
  )

  let done = begin.watermark
  let kept = { watermark: done, version: -1 }
  const keep = Effect.suspend(() => {
    progress.watermark = done
    progress.seated = roster.seated
    progress.held = roster.held
    const now = { watermark: done, version: roster.version }
    if (now.watermark === kept.watermark && now.version === kept.version) return session.check
    return Effect.tap(session.keep(done, roster.held), () => {
      kept = now
      return Effect.void
    })
  })
  yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeout(keep, KEEP_AT_END_TIMEOUT)))

  const seat = { stream: options.stream, durable: options.durable, afterSequence: begin.watermark, ...options.limits }
  const filterSubjects = options.patterns.flatMap((pattern) => patternsForAllTenants(pattern, source.mode))
  const consumer = yield* openBatchConsumer({ ...seat, filterSubjects }).pipe(
    // Then messages of other roots come along, and are passed over when a batch is shared out.
    Effect.catchReason("ConsumeError", "FiltersOverlap", ({ message }) =>
      Effect.andThen(Effect.logWarning("reads all subjects", { problem: message }), openBatchConsumer(seat))
    )
  )
  progress.lag = consumer.lag
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      progress.lag = undefined
    })
  )
  progress.phase = "running"

  /** The part of a tenant that goes along; whoever does not, is passed over. */
  const partOf = Effect.fnUntraced(function* (tenant: TenantSlug, messages: ReadonlyArray<StreamMessage>) {
    const seat = roster.seatOf(tenant)
    if (seat === undefined) {
      const through = lastOf(messages)
      if (roster.isHeld(tenant)) roster.pass(tenant, through)
      else yield* hold({ tenant, reason: "behind", problem: "it was not there when this writer began" }, through)
      return []
    }
    const left = after(messages, seat.watermark)
    return left.length === 0 ? [] : [{ seat, messages: left, decoded: decodeAtOnce(left, options.decode) }]
  })

  const sort = Effect.fnUntraced(function* (messages: ReadonlyArray<StreamMessage>) {
    const { parts, nobodys } = splitByTenant(messages, options.patterns)
    if (nobodys.length > 0) yield* options.onNobodys(nobodys.map(({ subject }) => subject))
    const sorted: Array<Part> = []
    for (const [tenant, own] of parts) sorted.push(...(yield* partOf(tenant, own)))
    return { parts: sorted, to: lastOf(messages) }
  })

  /** What of a part is above its tenant's watermark now. */
  const unwritten = (part: Part): Part => {
    const left = after(part.messages, part.seat.watermark)
    return left === part.messages ? part : { ...part, messages: left, decoded: decodeAtOnce(left, options.decode) }
  }

  const commit = ({ seat, decoded }: Part, to: number) =>
    // A commit under way is finished also when the process is told to stop; only its own slowness ends it.
    Effect.uninterruptible(
      Effect.timeoutOrElse(
        Effect.interruptible(
          store.commit({ tenant: seat.tenant, lane: seat.lane, from: seat.watermark, to, ...decoded })
        ),
        { duration: options.slowMs, orElse: () => Effect.fail(tooSlow(options.slowMs)) }
      )
    )

  const write = Effect.fnUntraced(function* (given: Part) {
    const { seat } = given
    const { tenant } = seat
    // Since the part was sorted, another writer may have been seen far ahead.
    for (let part = unwritten(given); part.messages.length > 0; part = unwritten(part)) {
      // What a batch cannot hold is decoded once this is written.
      const to = part.messages[part.decoded.messages - 1]?.sequence ?? 0
      if (roster.seatOf(tenant) !== seat) {
        const problem = "its lane was opened anew while this batch was on its way"
        return yield* hold({ tenant, reason: "behind", problem }, lastOf(part.messages))
      }
      const outcome = yield* Effect.result(commit(part, to))
      if (Result.isSuccess(outcome)) {
        seat.watermark = to
        yield* options.onCommit(tenant, outcome.success)
        continue
      }
      const { reason } = outcome.failure
      const observed = reason instanceof LaneLost ? (reason.observed ?? 0) : 0
      if (observed <= seat.watermark) return yield* holdAfter(tenant, outcome.failure, lastOf(part.messages))
      // Another writer was here before: what it has written is dropped, and the rest is ours to try.
      seat.watermark = observed
    }
  })

  const ahead = yield* Queue.bounded<NextBatch>(1)
  const reader = consumer.take.pipe(
    Effect.flatMap(sort),
    Effect.flatMap((next) => Queue.offer(ahead, next)),
    Effect.forever
  )
  const writer = Effect.gen(function* () {
    while (true) {
      const { parts, to } = yield* Queue.take(ahead)
      yield* Effect.forEach(parts, (part) => withTenant({ slug: part.seat.tenant })(write(part)), {
        concurrency: options.commitsAtOnce,
        discard: true
      })
      done = to
      yield* consumer.ackThrough(to)
    }
  })
  const keeper = keep.pipe(Effect.andThen(Effect.sleep(KEEP_EVERY)), Effect.forever)
  return yield* Effect.raceAllFirst([reader, writer, keeper])
})

/** While this process stood by; the lane begins again with the stream that there is now. */
const madeAnew = ({ stream, durable }: SharedLaneOptions) =>
  new ConsumeError({
    operation: "runSharedLane",
    reason: new SourceMissing({ stream, durable, problem: "it was made anew meanwhile" })
  })

const lastOf = (messages: ReadonlyArray<StreamMessage>): number => messages.at(-1)?.sequence ?? 0

const after = (messages: ReadonlyArray<StreamMessage>, watermark: number): ReadonlyArray<StreamMessage> =>
  (messages[0]?.sequence ?? 0) > watermark ? messages : messages.filter(({ sequence }) => sequence > watermark)

const tooSlow = (slowMs: number) =>
  new StorageError({
    operation: "LaneStore.commit",
    reason: new DatabaseUnavailable({ problem: `a commit took longer than ${slowMs} ms` })
  })
