/**
 * Makes the server have one stream as planned: core's way, which asks for that stream and no other. Safe to repeat, and
 * safe on a stream in use: where a change would cost messages it is left, or made as far as it costs none.
 */
import { type JetStreamManager, jetstreamManager, type StreamInfo } from "@nats-io/jetstream"
import type { NatsConnection } from "@nats-io/nats-core"
import { Effect } from "effect"
import { observedStream } from "../internal/lookAtStream.ts"
import { sortFailure } from "../internal/sortFailure.ts"
import { Nats } from "../Nats.ts"
import { NatsError, type NatsReason, NatsUnavailable, RequestRefused } from "../NatsError.ts"
import { diffStream } from "./diffStream.ts"
import type { ObservedStream } from "./ObservedServer.ts"
import type { PlannedStream } from "./StreamPlan.ts"
import { serverConfigOf, serverUpdateOf, shapeOfPlan } from "./StreamShape.ts"
import { askable } from "./serverSupport.ts"
import { type WrittenCopies, writtenCopiesOf } from "./WrittenCopies.ts"

/** A stream on the server. One that was deleted and made anew has the same name and another time. */
export interface StreamIncarnation {
  readonly stream: string
  /** RFC 3339, as the server gives it. */
  readonly createdAt: string
  /** The sequence of its newest message; 0 when it never had one. */
  readonly lastSequence: number
  /** What a reader need not write again; absent where no migration was rolled back. */
  readonly written?: ReadonlyArray<WrittenCopies>
}

const CONNECT_WAIT = "5 seconds"

/** A present stream that loses messages by its nature, and cannot be changed. */
class ForeignStream extends Error {
  constructor({ shape: { storage, retention } }: ObservedStream, planned: PlannedStream) {
    const wanted = shapeOfPlan(planned)
    super(
      `it exists with storage "${storage}" and retention "${retention}" instead of "${wanted.storage}" and "${wanted.retention}"`
    )
  }
}

/**
 * A limit below what is stored would drop the oldest messages, read or not. Of bytes it follows what is stored, as age
 * brings that below it; an age stays, until somebody allows `applyStreams` to lower it or no older message is left.
 */
const withoutLoss = (planned: PlannedStream, { bytes, firstReceivedAt, shape }: ObservedStream): PlannedStream => {
  const { maxBytes, maxAgeMs } = planned
  const oldestMs = firstReceivedAt === undefined ? 0 : Date.now() - firstReceivedAt.getTime()
  return {
    ...planned,
    ...(maxBytes === undefined ? {} : { maxBytes: Math.max(maxBytes, bytes) }),
    maxAgeMs: maxAgeMs > 0 && oldestMs > maxAgeMs ? shape.maxAgeMs : maxAgeMs
  }
}

const infoOf = (manager: JetStreamManager, name: string): Promise<StreamInfo | undefined> =>
  manager.streams.info(name).catch((error: unknown) => {
    if (sortFailure(error).kind === "stream_missing") return undefined
    throw error
  })

const ensure = async (connection: NatsConnection, asPlanned: PlannedStream): Promise<StreamInfo> => {
  const planned = askable(asPlanned, connection.info?.version ?? "unknown")
  const manager = await jetstreamManager(connection, { checkAPI: false })
  const found = await infoOf(manager, planned.name)
  // Two that make it at once make the same: the server accepts the second as well.
  if (found === undefined) return manager.streams.add(serverConfigOf(planned.name, shapeOfPlan(planned)))
  const present = observedStream(found)
  const wanted = withoutLoss(planned, present)
  const change = diffStream(wanted, present, new Date())
  if (change === undefined) return found
  if (change.kind === "replace-stream") throw new ForeignStream(present, planned)
  return manager.streams.update(planned.name, serverUpdateOf(shapeOfPlan(wanted)))
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
 * Creates the stream, or changes what differs from the plan.
 *
 * **Fails**: `NatsUnavailable` (retryable) without connection or answer, `RequestRefused` when a limit, a right or
 * another stream's subjects stand against it.
 *
 * @stability stable
 */
export const ensureStream: (planned: PlannedStream) => Effect.Effect<StreamIncarnation, NatsError, Nats> = Effect.fn(
  "ensureStream"
)(function* (planned) {
  const failed = (reason: NatsReason) => new NatsError({ operation: "ensureStream", reason })
  const nats = yield* Nats
  const connection = yield* nats.connection.pipe(
    Effect.timeout(CONNECT_WAIT),
    Effect.mapError(() => failed(new NatsUnavailable({ problem: `not connected within ${CONNECT_WAIT}` })))
  )
  const info = yield* Effect.tryPromise({
    try: () => ensure(connection, planned),
    catch: (cause) => failed(reasonOf(planned.name, cause))
  })
  const { config, created, state } = info
  const written = writtenCopiesOf(config.metadata)
  return {
    stream: config.name,
    createdAt: created,
    lastSequence: state.last_seq,
    ...(written.length === 0 ? {} : { written })
  }
})
