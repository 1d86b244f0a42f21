/**
 * What a stream holds now, for a reader that wants to begin somewhere else than where it stands.
 */
import { jetstreamManager } from "@nats-io/jetstream"
import { Effect } from "effect"
import { sortFailure } from "./internal/sortFailure.ts"
import { Nats } from "./Nats.ts"
import { NatsError, NatsUnavailable, RequestRefused } from "./NatsError.ts"
import type { StreamIncarnation } from "./streams/ensureStream.ts"

export interface StreamRange extends StreamIncarnation {
  /** The sequence of its oldest message; one more than the last where it holds none. */
  readonly firstSequence: number
  /** When it received its oldest message; undefined where it holds none. */
  readonly firstReceivedAt: Date | undefined
}

const CONNECT_WAIT = "5 seconds"

const failed = (stream: string) => (cause: unknown) => {
  const { kind, problem } = sortFailure(cause)
  const nextStep = "look whether it exists, and give the user the right to $JS.API.STREAM.INFO"
  const reason =
    kind === "unavailable"
      ? new NatsUnavailable({ problem, cause })
      : new RequestRefused({ what: `stream "${stream}"`, problem, nextStep, cause })
  return new NatsError({ operation: "streamRange", reason })
}

/**
 * Asks the server for the ends of a stream.
 *
 * **Fails**: `NatsUnavailable` (retryable) without connection or answer, `RequestRefused` without stream or right.
 *
 * @stability stable
 */
export const streamRange: (stream: string) => Effect.Effect<StreamRange, NatsError, Nats> = Effect.fn("streamRange")(
  function* (stream) {
    const connection = yield* (yield* Nats).connection.pipe(
      Effect.timeout(CONNECT_WAIT),
      Effect.mapError(failed(stream))
    )
    const { created, state } = yield* Effect.tryPromise({
      try: async () => (await jetstreamManager(connection, { checkAPI: false })).streams.info(stream),
      catch: failed(stream)
    })
    return {
      stream,
      createdAt: created,
      firstSequence: Math.max(1, state.first_seq),
      firstReceivedAt: state.messages === 0 ? undefined : new Date(state.first_ts),
      lastSequence: state.last_seq
    }
  }
)
