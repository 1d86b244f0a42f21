/**
 * Reads one stream in order, in batches, from where the reader says it stands. It repairs nothing: when a delivery is
 * missing, the consumer or the stream is gone, or the connection is lost, `take` fails, and the reader opens it again
 * at its own watermark. The durable consumer exists so that operators see the lag; the watermark is the truth.
 */
import {
  AckPolicy,
  type Consumer,
  DeliverPolicy,
  type JetStreamManager,
  type JsMsg,
  jetstream,
  jetstreamManager
} from "@nats-io/jetstream"
import { Effect, type Scope } from "effect"
import { BatchBuffer, type BatchLimits } from "./internal/BatchBuffer.ts"
import { natsError } from "./internal/reasonOf.ts"
import { Nats } from "./Nats.ts"
import { DeliveryGap, NatsError, NatsUnavailable } from "./NatsError.ts"

/** One message of a stream. */
export interface StreamMessage {
  /** Its place in the stream. */
  readonly sequence: number
  readonly subject: string
  readonly data: Uint8Array
  readonly headers: Readonly<Record<string, string>>
  /** When the stream received it. */
  readonly timestamp: Date
}

/** What to read, from where, and how much at once. */
export interface BatchConsumerOptions extends BatchLimits {
  readonly stream: string
  /** Name of the durable consumer; this reader owns it. */
  readonly durable: string
  /** Which subjects; at least one. */
  readonly filterSubjects: ReadonlyArray<string>
  /** The last sequence that is done; 0 to read from the start. */
  readonly afterSequence: number
}

/** How far a reader is behind. */
export interface ConsumerLag {
  /** Messages not yet acknowledged. */
  readonly messages: number
  /** Age of the oldest of them, milliseconds; absent without lag. */
  readonly oldestAgeMs: number | undefined
}

/** A reader's end of a stream. */
export interface BatchConsumer {
  /** The next batch: at least one message, in stream order, without repeats. */
  readonly take: Effect.Effect<ReadonlyArray<StreamMessage>, NatsError>
  /** Acknowledges all that was taken. */
  readonly ack: Effect.Effect<void>
  readonly lag: Effect.Effect<ConsumerLag, NatsError>
}

/** How long one pull waits on the server, and how often the server says in the meantime that it is there. */
const PULL_MS = 30_000
const HEARTBEAT_MS = 5_000
/** Until sizes are known, a pull asks for as many messages of this size as fit a batch's bytes. */
const FIRST_SIZE_BYTES = 8_192

const toStreamMessage = (message: JsMsg): StreamMessage => ({
  sequence: message.seq,
  subject: message.subject,
  data: message.data,
  headers: headersOf(message),
  timestamp: new Date(message.timestamp)
})

const noHeaders: Readonly<Record<string, string>> = Object.freeze({})

const headersOf = (message: JsMsg): Readonly<Record<string, string>> => {
  const headers = message.headers
  if (headers === undefined) return noHeaders
  return Object.fromEntries(headers.keys().map((name) => [name, headers.values(name).join(", ")]))
}

/** Makes the durable consumer anew at the wanted place: this works on every server and leaves no old state. */
const seat = async (manager: JetStreamManager, options: BatchConsumerOptions): Promise<void> => {
  const { stream, durable, afterSequence, filterSubjects, rowsMax } = options
  await manager.consumers.delete(stream, durable).catch(() => false)
  await manager.consumers.add(stream, {
    durable_name: durable,
    ack_policy: AckPolicy.All,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: afterSequence + 1,
    filter_subjects: [...filterSubjects],
    // What may be under way at once: a batch being committed, one waiting, one being pulled.
    max_ack_pending: rowsMax * 4
  })
}

/** Pulls for ever into the buffer; as little as one batch is on the way while another waits. */
const pull = async (consumer: Consumer, buffer: BatchBuffer<JsMsg>, limits: BatchLimits): Promise<never> => {
  let size = FIRST_SIZE_BYTES
  let expected = 1
  for (;;) {
    await buffer.room()
    const count = Math.max(1, Math.min(limits.rowsMax, Math.floor(limits.bytesMax / size)))
    const messages = await consumer.fetch({ max_messages: count, expires: PULL_MS, idle_heartbeat: HEARTBEAT_MS })
    for await (const message of messages) {
      const observed = message.info.deliverySequence
      if (observed !== expected) throw new DeliveryGap({ expected, observed })
      expected += 1
      size += (message.data.length - size) / 64
      buffer.push(message)
    }
  }
}

/** Opens a consumer until the scope closes. Fails when the stream does not exist or the server refuses. */
export const openBatchConsumer = Effect.fn("openBatchConsumer")(function* (
  options: BatchConsumerOptions
): Effect.fn.Return<BatchConsumer, NatsError, Nats | Scope.Scope> {
  const nats = yield* Nats
  const connection = yield* nats.connection
  const resource = `consumer "${options.durable}" of stream "${options.stream}"`
  const reach = <A>(operation: string, run: () => Promise<A>) =>
    Effect.tryPromise({ try: run, catch: natsError(operation, resource) })
  const manager = yield* reach("openBatchConsumer", () => jetstreamManager(connection, { checkAPI: false }))
  yield* reach("openBatchConsumer", () => seat(manager, options))
  const consumer = yield* reach("openBatchConsumer", () =>
    jetstream(connection).consumers.get(options.stream, options.durable)
  )

  const buffer = new BatchBuffer<JsMsg>(options, (message) => message.data.length)
  const reading = Effect.tryPromise({
    try: () => pull(consumer, buffer, options),
    catch: (cause) =>
      cause instanceof DeliveryGap
        ? new NatsError({ operation: "BatchConsumer.take", reason: cause })
        : natsError("BatchConsumer.take", resource)(cause)
  })
  const disconnected = Effect.andThen(
    nats.disconnected,
    Effect.fail(
      new NatsError({
        operation: "BatchConsumer.take",
        reason: new NatsUnavailable({ problem: "the connection was lost" })
      })
    )
  )
  yield* Effect.raceFirst(reading, disconnected).pipe(
    Effect.catch((error) => Effect.sync(() => buffer.fail(error))),
    Effect.forkScoped
  )

  let lastTaken: JsMsg | undefined
  return {
    take: Effect.callback<ReadonlyArray<StreamMessage>, NatsError>((resume) => {
      const withdraw = buffer.take((batch) => {
        if (batch instanceof NatsError) return resume(Effect.fail(batch))
        lastTaken = batch.at(-1)
        resume(Effect.succeed(batch.map(toStreamMessage)))
      })
      return Effect.sync(withdraw)
    }),
    ack: Effect.sync(() => lastTaken?.ack()),
    lag: reach("BatchConsumer.lag", () => lagOf(manager, options))
  }
})

const lagOf = async (manager: JetStreamManager, options: BatchConsumerOptions): Promise<ConsumerLag> => {
  const info = await manager.consumers.info(options.stream, options.durable)
  const messages = info.num_pending + info.num_ack_pending
  if (messages === 0) return { messages, oldestAgeMs: undefined }
  const after = Math.max(info.ack_floor.stream_seq, options.afterSequence)
  const oldest = await Promise.all(
    options.filterSubjects.map((subject) =>
      manager.direct.getMessage(options.stream, { seq: after + 1, next_by_subj: subject }).catch(() => null)
    )
  )
  const times = oldest.flatMap((message) => (message === null ? [] : [message.time.getTime()]))
  return { messages, oldestAgeMs: times.length === 0 ? undefined : Math.max(0, Date.now() - Math.min(...times)) }
}
