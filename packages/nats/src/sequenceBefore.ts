/**
 * Where a stream stood at a time, for a reader that knows when it last read but not where.
 */
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream"
import { Effect } from "effect"
import { sortFailure } from "./internal/sortFailure.ts"
import { Nats } from "./Nats.ts"
import { NatsError, NatsUnavailable } from "./NatsError.ts"

const find = async (manager: JetStreamManager, stream: string, time: Date): Promise<number> => {
  const first = await manager.direct.getMessage(stream, { start_time: time })
  if (first !== null) return first.seq - 1
  return (await manager.streams.info(stream)).state.last_seq
}

/**
 * The sequence of the last message that the stream received before `time`; its last one when none came later.
 *
 * **Fails**: `NatsUnavailable` (retryable) without an answer, the stream being absent included.
 *
 * @stability stable
 */
export const sequenceBefore = Effect.fn("sequenceBefore")(function* (stream: string, time: Date) {
  const connection = yield* (yield* Nats).connection
  return yield* Effect.tryPromise({
    try: async () => find(await jetstreamManager(connection, { checkAPI: false }), stream, time),
    catch: (cause) => {
      const reason = new NatsUnavailable({ problem: `stream "${stream}": ${sortFailure(cause).problem}`, cause })
      return new NatsError({ operation: "sequenceBefore", reason })
    }
  })
})
