/**
 * The shared stream as it stands now.
 */
import { ConsumeError, findStream, SourceMissing } from "@bulkhead/nats"
import { Effect } from "effect"
import type { LaneSource } from "./seatLane.ts"

/** Fails with `SourceMissing` (retryable) as long as nobody has made the stream. */
export const findSource = Effect.fnUntraced(function* ({ stream, durable }: { stream: string; durable: string }) {
  const found = yield* findStream(stream)
  if (found === undefined) {
    const reason = new SourceMissing({ stream, durable, problem: "nobody has made it" })
    return yield* new ConsumeError({ operation: "findSource", reason })
  }
  const { createdAt, lastSequence } = found
  // What the stream took is to be written, whatever it may take now: the mode decides its subjects, not ours.
  const source: LaneSource = { stream, createdAt, lastSequence, mode: "both" }
  return source
})
