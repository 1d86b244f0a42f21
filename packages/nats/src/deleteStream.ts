/**
 * Makes the server have a stream no more. Safe to repeat.
 */
import { jetstreamManager } from "@nats-io/jetstream"
import { Effect } from "effect"
import { sortFailure } from "./internal/sortFailure.ts"
import { Nats } from "./Nats.ts"
import { NatsError, NatsUnavailable, RequestRefused } from "./NatsError.ts"

const CONNECT_WAIT = "5 seconds"

const failed = (stream: string) => (cause: unknown) => {
  const { kind, problem } = sortFailure(cause)
  const what = `stream "${stream}"`
  const nextStep = "give the user the rights to $JS.API.STREAM.INFO and DELETE"
  const reason =
    kind === "unavailable"
      ? new NatsUnavailable({ problem, cause })
      : new RequestRefused({ what, problem, nextStep, cause })
  return new NatsError({ operation: "deleteStream", reason })
}

/**
 * Deletes a stream with all its messages and consumers, and looks whether it is gone; one that is not there is fine.
 *
 * **Fails**: `NatsUnavailable` (retryable) without connection or answer, `RequestRefused` without the right.
 *
 * @stability stable
 */
export const deleteStream = Effect.fn("deleteStream")(function* (stream: string) {
  const nats = yield* Nats
  const connection = yield* nats.connection.pipe(Effect.timeout(CONNECT_WAIT), Effect.mapError(failed(stream)))
  yield* Effect.tryPromise({
    try: async () => {
      const { streams } = await jetstreamManager(connection, { checkAPI: false })
      const unlessMissing = (error: unknown) => {
        if (sortFailure(error).kind !== "stream_missing") throw error
      }
      await streams.delete(stream).catch(unlessMissing)
      if ((await streams.info(stream).catch(unlessMissing)) !== undefined) throw new Error("it is still there")
    },
    catch: failed(stream)
  })
})
