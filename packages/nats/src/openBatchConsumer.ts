/**
 * Reads one stream in order, in batches, from where the reader says it stands. It repairs nothing: when a delivery is
 * missing, the consumer or the stream is gone, or the connection is lost, `take` fails, and the reader opens it again
 * at its own watermark. The durable consumer lets operators see the lag; the watermark is the truth.
 */
import { AckPolicy, DeliverPolicy, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream"
import { createInbox, type NatsConnection, PermissionViolationError } from "@nats-io/nats-core"
import { Clock, Effect, type Scope } from "effect"
import {
  ConnectionLost,
  ConsumeError,
  type ConsumeReason,
  ConsumerDeleted,
  ConsumerRefused,
  FiltersOverlap,
  SourceMissing
} from "./ConsumeError.ts"
import { BatchBuffer, type BatchLimits } from "./internal/BatchBuffer.ts"
import type { DeliveredMessage } from "./internal/DeliveredMessage.ts"
import { Puller } from "./internal/Puller.ts"
import { sortFailure } from "./internal/sortFailure.ts"
import { Nats } from "./Nats.ts"
import type { StreamMessage } from "./StreamMessage.ts"

/** What to read, from where, and how much at once. */
export interface BatchConsumerOptions extends BatchLimits {
  readonly stream: string
  /** The durable consumer's name. It belongs to this reader: opening makes it anew. */
  readonly durable: string
  /** All subjects of the stream when absent. */
  readonly filterSubjects?: ReadonlyArray<string>
  /** The last sequence that is done with; 0 to read from the start. */
  readonly afterSequence: number
  /** How often an idle server must say that it is there; three times that in silence is a failure. Default 10000. */
  readonly heartbeatMs?: number
  /** The server forgets the consumer when nobody has read for so long; never when absent. */
  readonly forgetAfterMs?: number
}

/** How far a reader is behind. */
export interface ConsumerLag {
  /** Messages not acknowledged yet. */
  readonly messages: number
  /** Age of the oldest of them that arrived here, milliseconds; undefined when none is here. */
  readonly oldestAgeMs: number | undefined
}

/** A reader's end of a stream. */
export interface BatchConsumer {
  /**
   * The next batch: at least one message, in stream order, each once. Complete by rows, bytes or age. Once it has
   * failed, it fails for ever. One fiber at a time.
   */
  readonly take: Effect.Effect<ReadonlyArray<StreamMessage>, ConsumeError>
  /**
   * While held, age does not complete a batch: for a reader that is busy with the one before, so that many small batches
   * become a large one.
   */
  readonly hold: (isHeld: boolean) => void
  /** Acknowledges the batches that end at or before `sequence`, without waiting for the server. */
  readonly ackThrough: (sequence: number) => Effect.Effect<void, ConsumeError>
  readonly lag: Effect.Effect<ConsumerLag, ConsumeError>
  /**
   * The lag as this reader sees it, without asking the server: cheap enough for a metric of every tenant. It is exact
   * while the reader takes what comes; one that stands still does not hear of new messages, but their age rises.
   */
  readonly lagSeen: Effect.Effect<ConsumerLag>
}

const CONNECT_WAIT = "5 seconds"
const HEARTBEAT_MS = 10_000
const HOUR_NANOS = 3_600_000_000_000
const NANOS_IN_MS = 1_000_000

/**
 * Opens a consumer until the scope closes.
 *
 * **Fails**: `SourceMissing` without the stream, `ConsumerRefused` for want of a right or over a limit,
 * `ConnectionLost` without connection or answer.
 *
 * @stability stable
 */
export const openBatchConsumer: (
  options: BatchConsumerOptions
) => Effect.Effect<BatchConsumer, ConsumeError, Nats | Scope.Scope> = Effect.fn("openBatchConsumer")(
  function* (options) {
    const nats = yield* Nats
    const connection = yield* nats.connection.pipe(
      Effect.timeout(CONNECT_WAIT),
      Effect.mapError(
        () =>
          new ConsumeError({
            operation: "openBatchConsumer",
            reason: new ConnectionLost({ ...namesOf(options), problem: `not connected within ${CONNECT_WAIT}` })
          })
      )
    )
    const reader = new Reader(connection, options, createInbox(nats.inboxPrefix))
    yield* nats.onStatus((status) => {
      if (status.type === "disconnect" || status.type === "close") {
        reader.fail(new ConnectionLost({ ...namesOf(options), problem: "the connection was lost" }))
      }
      if (status.type === "error" && status.error instanceof PermissionViolationError) {
        reader.onViolation(status.error)
      }
    })
    const manager = yield* reader.reach("openBatchConsumer", () => jetstreamManager(connection, { checkAPI: false }))
    yield* reader.reach("openBatchConsumer", () => seat(manager, options))
    yield* Effect.acquireRelease(
      Effect.sync(() => reader.puller.start()),
      () => Effect.sync(() => reader.puller.stop())
    )
    return {
      take: reader.take,
      hold: (isHeld) => reader.hold(isHeld),
      ackThrough: (sequence) => reader.ackThrough(sequence),
      lag: Effect.flatMap(
        reader.reach("BatchConsumer.lag", () => manager.consumers.info(options.stream, options.durable)),
        (info) => reader.lag(info.num_pending + info.num_ack_pending)
      ),
      lagSeen: reader.lagSeen
    }
  }
)

const namesOf = ({ stream, durable }: BatchConsumerOptions) => ({ stream, durable })

/** Makes the durable consumer anew at the wanted place: that works on every server and leaves nothing of an old one. */
const seat = async (manager: JetStreamManager, options: BatchConsumerOptions): Promise<void> => {
  const { stream, durable, afterSequence, filterSubjects, forgetAfterMs } = options
  await manager.consumers.delete(stream, durable).catch((error: unknown) => {
    if (sortFailure(error).kind !== "consumer_missing") throw error
  })
  await manager.consumers.add(stream, {
    durable_name: durable,
    ack_policy: AckPolicy.All,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: afterSequence + 1,
    ...(filterSubjects === undefined ? {} : { filter_subjects: [...filterSubjects] }),
    // What is under way is bounded by what we ask for. A bound of the server would end reading in silence once an
    // acknowledgement is lost.
    max_ack_pending: -1,
    // Nothing is delivered twice: what got lost is read again from the watermark.
    max_deliver: 1,
    ack_wait: HOUR_NANOS,
    ...(forgetAfterMs === undefined ? {} : { inactive_threshold: forgetAfterMs * NANOS_IN_MS })
  })
}

/** The ends of a batch that was handed out. */
interface TakenBatch {
  readonly length: number
  readonly first: DeliveredMessage
  readonly last: DeliveredMessage
}

/** The state behind a `BatchConsumer`. */
class Reader {
  readonly puller: Puller
  readonly #options: BatchConsumerOptions
  readonly #buffer: BatchBuffer
  readonly #unacknowledged: Array<TakenBatch> = []
  #failure: ConsumeReason | undefined
  #onFailure: (() => void) | undefined

  constructor(connection: NatsConnection, options: BatchConsumerOptions, inbox: string) {
    this.#options = options
    this.#buffer = new BatchBuffer(options)
    const { heartbeatMs = HEARTBEAT_MS } = options
    this.puller = new Puller(connection, { ...options, heartbeatMs, inbox }, this.#buffer, (reason) =>
      this.fail(reason)
    )
  }

  /** The first failure counts: the following ones are its consequences. */
  fail(reason: ConsumeReason): void {
    if (this.#failure !== undefined) return
    this.#failure = reason
    this.puller.stop()
    this.#onFailure?.()
  }

  onViolation(violation: PermissionViolationError): void {
    if (this.puller.uses(violation.subject)) {
      this.fail(new ConsumerRefused({ ...namesOf(this.#options), problem: violation.message }))
    }
  }

  reach<A>(operation: string, run: () => Promise<A>): Effect.Effect<A, ConsumeError> {
    return Effect.tryPromise({
      try: run,
      catch: (cause) => new ConsumeError({ operation, reason: this.#reasonOf(cause), cause })
    })
  }

  // A batch is cut out of the buffer only when nothing can interrupt its way to the caller any more.
  readonly take: Effect.Effect<ReadonlyArray<StreamMessage>, ConsumeError> = Effect.uninterruptibleMask((restore) =>
    restore(
      Effect.callback<void>((resume) => {
        if (this.#failure !== undefined) {
          resume(Effect.void)
          return
        }
        this.#onFailure = () => resume(Effect.void)
        const forget = this.#buffer.whenReady(() => resume(Effect.void))
        return Effect.sync(forget)
      })
    ).pipe(Effect.andThen(Effect.suspend(() => this.#cut())))
  )

  hold(isHeld: boolean): void {
    this.#buffer.hold(isHeld)
  }

  #cut(): Effect.Effect<ReadonlyArray<StreamMessage>, ConsumeError> {
    this.#onFailure = undefined
    if (this.#failure !== undefined) return this.#failed("BatchConsumer.take", this.#failure)
    const batch = this.#buffer.cut()
    this.puller.pull()
    const first = batch[0]
    const last = batch.at(-1)
    if (first === undefined || last === undefined) return Effect.die(new Error("an empty batch was ready"))
    this.#unacknowledged.push({ first, last, length: batch.length })
    return Effect.succeed(batch)
  }

  ackThrough(sequence: number): Effect.Effect<void, ConsumeError> {
    return Effect.suspend(() => {
      if (this.#failure !== undefined) return this.#failed("BatchConsumer.ackThrough", this.#failure)
      const done = this.#unacknowledged.filter((batch) => batch.last.sequence <= sequence)
      const newest = done.at(-1)
      this.#unacknowledged.splice(0, done.length)
      if (newest !== undefined) this.puller.acknowledge(newest.last)
      return Effect.void
    })
  }

  readonly lagSeen: Effect.Effect<ConsumerLag> = Effect.suspend(() => {
    const taken = this.#unacknowledged.reduce((sum, { length }) => sum + length, 0)
    return this.lag(taken + this.#buffer.length + this.puller.pending)
  })

  lag(messages: number): Effect.Effect<ConsumerLag> {
    const oldestAtMs = (this.#unacknowledged[0]?.first ?? this.#buffer.oldest)?.storedAtMs
    return Effect.map(Clock.currentTimeMillis, (now) => ({
      messages,
      oldestAgeMs: oldestAtMs === undefined ? undefined : Math.max(0, now - oldestAtMs)
    }))
  }

  #failed(operation: string, reason: ConsumeReason): Effect.Effect<never, ConsumeError> {
    return Effect.fail(new ConsumeError({ operation, reason }))
  }

  #reasonOf(cause: unknown): ConsumeReason {
    const names = namesOf(this.#options)
    const { kind, problem } = sortFailure(cause)
    switch (kind) {
      case "stream_missing":
        return new SourceMissing({ ...names, problem })
      case "consumer_missing":
        return new ConsumerDeleted({ ...names, problem })
      case "consumer_exists":
        return new ConsumerDeleted({ ...names, problem: "another reader opened it at the same moment" })
      case "filters_overlap":
        return new FiltersOverlap({ ...names, filters: this.#options.filterSubjects?.join(", ") ?? "" })
      case "forbidden":
      case "refused":
        return new ConsumerRefused({ ...names, problem })
      case "unavailable":
        return new ConnectionLost({ ...names, problem })
    }
  }
}
