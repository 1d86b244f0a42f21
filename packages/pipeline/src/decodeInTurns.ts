import type { StreamMessage } from "@bulkhead/nats"
import type { Decoder } from "@bulkhead/records"
import { Effect } from "effect"
import { BatchDecoding, type DecodedBatch } from "./BatchDecoding.ts"
import type { Turn } from "./LaneScheduler.ts"

/** Decodes a batch, a slice a turn. A turn lasts until the event loop has looked at the network. */
export const decodeInTurns = Effect.fnUntraced(function* (
  messages: ReadonlyArray<StreamMessage>,
  decode: Decoder,
  turn: Turn
): Effect.fn.Return<DecodedBatch> {
  const decoding = new BatchDecoding(messages, decode)
  const slice = turn(
    Effect.andThen(
      Effect.sync(() => decoding.decodeSlice()),
      Effect.yieldNow
    )
  )
  while (!decoding.isDone) yield* slice
  return decoding.decoded
})
