/**
 * Makes the server have a stream as wanted. Safe to repeat, and safe on a stream in use: it never drops a message.
 */
import {
  DiscardPolicy,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamInfo
} from "@nats-io/jetstream"
import type { NatsConnection } from "@nats-io/nats-core"
import { Effect } from "effect"
import { sortFailure } from "./internal/sortFailure.ts"
import { Nats } from "./Nats.ts"
import { NatsError, type NatsReason, NatsUnavailable, RequestRefused } from "./NatsError.ts"
import type { StreamConfig } from "./StreamConfig.ts"

/** A stream on the server. One that was deleted and made anew has the same name and another time. */
export interface StreamIncarnation {
  readonly stream: string
  /** RFC 3339, as the server gives it. */
  readonly createdAt: string
  /** The sequence of its newest message; 0 when it never had one. */
  readonly lastSequence: number
}

/**
 * Within this time a second message of the same `Nats-Msg-Id` is dropped. It stands in the configuration because a
 * stream with sources would otherwise have none, and is longer than `EventPublisher` repeats a message.
 */
export const DUPLICATE_WINDOW_MS = 120_000

const CONNECT_WAIT = "5 seconds"
const nanos = (milliseconds: number) => milliseconds * 1_000_000

/** What the server never changes in a stream. */
const FIXED = { storage: StorageType.File, retention: RetentionPolicy.Limits }

const changeable = (config: StreamConfig, storedBytes: number) => ({
  subjects: [...config.subjects],
  // A limit below what is stored would drop the oldest messages, read or not: age brings the stream below it instead.
  max_bytes: config.maxBytes === undefined ? -1 : Math.max(config.maxBytes, storedBytes),
  max_age: nanos(config.maxAgeMs),
  // A full stream refuses: the publisher sees it and repeats, an operator sees the publisher. Discarding the oldest
  // instead would lose events that no writer has read yet, and nobody would be told.
  discard: DiscardPolicy.New,
  // The server refuses a window longer than the age.
  duplicate_window: nanos(config.maxAgeMs === 0 ? DUPLICATE_WINDOW_MS : Math.min(DUPLICATE_WINDOW_MS, config.maxAgeMs)),
  // Neither a message without acknowledgement, nor one that drives out an older one of its subject.
  no_ack: false,
  max_msgs_per_subject: -1,
  allow_direct: true,
  ...(config.replicas === undefined ? {} : { num_replicas: config.replicas })
})

/** The server leaves out what is false. */
const isAsWanted = (wanted: Readonly<Record<string, unknown>>, present: Readonly<Record<string, unknown>>): boolean =>
  Object.entries(wanted).every(
    ([key, value]) => JSON.stringify(present[key] ?? (value === false ? false : undefined)) === JSON.stringify(value)
  )

/** A present stream that loses messages by its nature, and cannot be changed. */
class ForeignStream extends Error {
  constructor({ storage, retention }: Pick<StreamInfo["config"], "storage" | "retention">) {
    super(`it exists with storage "${storage}" and retention "${retention}" instead of "file" and "limits"`)
  }
}

const infoOf = (manager: JetStreamManager, name: string): Promise<StreamInfo | undefined> =>
  manager.streams.info(name).catch((error: unknown) => {
    if (sortFailure(error).kind === "stream_missing") return undefined
    throw error
  })

const ensure = async (connection: NatsConnection, config: StreamConfig): Promise<StreamInfo> => {
  const manager = await jetstreamManager(connection, { checkAPI: false })
  const present = await infoOf(manager, config.name)
  if (present === undefined) {
    // Two that make it at once make the same: the server accepts the second as well.
    return manager.streams.add({ name: config.name, ...FIXED, ...changeable(config, 0) })
  }
  if (!isAsWanted(FIXED, { ...present.config })) throw new ForeignStream(present.config)
  const wanted = changeable(config, present.state.bytes)
  return isAsWanted(wanted, { ...present.config }) ? present : manager.streams.update(config.name, wanted)
}

const reasonOf = (stream: string, cause: unknown): NatsReason => {
  if (cause instanceof ForeignStream) {
    const nextStep = "copy what is in it elsewhere, then delete it, so that it can be made anew"
    return new RequestRefused({ what: `stream "${stream}"`, problem: cause.message, nextStep, cause })
  }
  const { kind, problem } = sortFailure(cause)
  if (kind === "unavailable") return new NatsUnavailable({ problem, cause })
  const nextStep =
    kind === "forbidden"
      ? "give the user the rights to $JS.API.STREAM.INFO, CREATE and UPDATE"
      : "compare with the streams and limits of the account"
  return new RequestRefused({ what: `stream "${stream}"`, problem, nextStep, cause })
}

/**
 * Creates the stream, or changes what differs: file storage, limits, `discard: new`, a duplicate window of 2 min.
 *
 * **Fails**: `NatsUnavailable` (retryable) without connection or answer, `RequestRefused` when a limit, a right or
 * another stream's subjects stand against it.
 *
 * @stability stable
 */
export const ensureStream: (config: StreamConfig) => Effect.Effect<StreamIncarnation, NatsError, Nats> = Effect.fn(
  "ensureStream"
)(function* (config) {
  const failed = (reason: NatsReason) => new NatsError({ operation: "ensureStream", reason })
  const nats = yield* Nats
  const connection = yield* nats.connection.pipe(
    Effect.timeout(CONNECT_WAIT),
    Effect.mapError(() => failed(new NatsUnavailable({ problem: `not connected within ${CONNECT_WAIT}` })))
  )
  const info = yield* Effect.tryPromise({
    try: () => ensure(connection, config),
    catch: (cause) => failed(reasonOf(config.name, cause))
  })
  return { stream: info.config.name, createdAt: info.created, lastSequence: info.state.last_seq }
})
