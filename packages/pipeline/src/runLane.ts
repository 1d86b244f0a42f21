/**
 * The engine of every writer: takes one tenant's messages from a stream in order and commits them into the tenant's
 * schema, each exactly once.
 *
 * A batch is decoded while the one before it is committed; a commit is one transaction of rows, dead letters and
 * watermark; then the batch is acknowledged. The lane repairs nothing in place: whatever fails, it fails, and its
 * supervisor runs it again from the watermark, which is why a connection lost during a commit needs no special case.
 * Three batches are in memory at most: one being committed, one decoded, one arriving.
 */
import type { TenantSlug } from "@bulkhead/channels"
import { type BatchConsumer, type BatchLimits, openBatchConsumer } from "@bulkhead/nats"
import type { Decoder } from "@bulkhead/records"
import { type LaneBatch, type LaneCommit, type LaneStats, LaneStore } from "@bulkhead/storage"
import { Clock, Effect, Queue } from "effect"
import type { DecodedBatch } from "./BatchDecoding.ts"
import { decodeInTurns } from "./decodeInTurns.ts"
import type { LaneProgress } from "./LaneProgress.ts"
import type { LaneQuota } from "./LaneQuota.ts"
import type { LaneTurns, Turn } from "./LaneScheduler.ts"
import { type LaneSource, lanesOfReader, seatLane } from "./seatLane.ts"

/** One lane. */
export interface LaneOptions {
  readonly tenant: TenantSlug
  readonly source: LaneSource
  /** The durable consumer under which operators see the lane's lag. */
  readonly durable: string
  /** For a lane that ends: the server forgets its consumer when nobody has read for so long. */
  readonly forgetAfterMs?: number
  readonly filterSubjects: ReadonlyArray<string>
  readonly decode: Decoder
  readonly limits: BatchLimits
  /** How much the tenant may write; as much as there is when absent. */
  readonly quota?: LaneQuota
  /** The lane's share of what all lanes need; absent for a lane that is alone. */
  readonly turns?: LaneTurns
  /** The tenant's lanes as they stood before the stream was looked at: see `seatLane`. */
  readonly present: ReadonlyArray<LaneStats>
  /** Kept up to date by the lane, for health and metrics. */
  readonly progress: LaneProgress
  /** Told of each batch that was written, and of the last sequence in it. */
  readonly onCommit: (written: LaneCommit, through: number) => Effect.Effect<void>
}

interface NextBatch extends DecodedBatch {
  readonly to: number
}

const alone: Turn = (work) => work

/** Takes batches and decodes them, one ahead of the writer. */
const read = (consumer: BatchConsumer, decode: Decoder, turn: Turn, ahead: Queue.Queue<NextBatch>) =>
  consumer.take.pipe(
    Effect.flatMap(
      Effect.fnUntraced(function* (messages) {
        for (let left = messages; left.length > 0; ) {
          const decoded = yield* decodeInTurns(left, decode, turn)
          yield* Queue.offer(ahead, { ...decoded, to: left[decoded.messages - 1]?.sequence ?? 0 })
          left = left.slice(decoded.messages)
        }
      })
    ),
    Effect.forever
  )

/** Runs the lane until it fails or is interrupted. */
export const runLane = Effect.fnUntraced(function* (options: LaneOptions) {
  const { tenant, progress, quota, turns = { decode: alone, commit: alone } } = options
  const store = yield* LaneStore
  const { lane, watermark: seated } = yield* seatLane(tenant, options.source, options.present)
  // The totals go on where an earlier process left them.
  const own = lanesOfReader(options.source, options.present)
  progress.rowsWritten = own.reduce((sum, { rows }) => sum + rows, 0)
  progress.deadLetters = own.reduce((sum, { deadLetters }) => sum + deadLetters, 0)
  const consumer = yield* openBatchConsumer({
    stream: options.source.stream,
    durable: options.durable,
    filterSubjects: options.filterSubjects,
    afterSequence: seated,
    ...(options.forgetAfterMs === undefined ? {} : { forgetAfterMs: options.forgetAfterMs }),
    ...options.limits
  })
  progress.lane = { name: lane.name, watermark: seated }
  progress.lagSeen = consumer.lagSeen
  progress.lag = consumer.lag
  progress.quota = quota
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      progress.quota = undefined
      progress.lagSeen = undefined
    })
  )

  const write = Effect.fnUntraced(function* (batch: LaneBatch) {
    // A commit under way is finished also when the process is told to stop.
    const written = store.isHeldUp(tenant)
      ? yield* Effect.uninterruptible(store.commitApart(batch))
      : yield* turns.commit(Effect.uninterruptible(store.commit(batch)))
    progress.rowsWritten += written.rows
    progress.deadLetters += written.deadLetters.length
    progress.lastCommitAtMs = yield* Clock.currentTimeMillis
    yield* options.onCommit(written, batch.to)
    yield* consumer.ackThrough(batch.to)
  })

  const ahead = yield* Queue.bounded<NextBatch>(1)
  let watermark = seated
  const writer = Effect.gen(function* () {
    while (true) {
      const next = yield* Queue.take(ahead)
      // What comes while this one is written, or waits for its turn, is one batch.
      consumer.hold(true)
      if (quota !== undefined) yield* quota.admit(next.size)
      yield* write({ tenant, lane, from: watermark, ...next })
      watermark = next.to
      progress.lane = { name: lane.name, watermark }
      consumer.hold(false)
    }
  })
  return yield* Effect.raceFirst(read(consumer, options.decode, turns.decode, ahead), writer)
})
