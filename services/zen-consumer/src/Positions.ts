/**
 * How far each lane has come, in a KV bucket: the last sequence whose result is in the stream. It is written after the
 * results were acknowledged, by compare-and-set, so that of two writers of a lane one finds out.
 */
import type { TenantSlug } from "@bulkhead/channels"
import { Nats, type StreamIncarnation } from "@bulkhead/nats"
import { type KV, Kvm } from "@nats-io/kv"
import { Context, Effect, Layer, Option, Schema } from "effect"
import { attempt, ZenError } from "./ZenError.ts"

export const POSITION_BUCKET = "bulkhead-zen-positions"

/** A place in one incarnation of a stream. */
const Position = Schema.Struct({ createdAt: Schema.String, sequence: Schema.Int })
const decodePosition = Schema.decodeUnknownOption(Schema.fromJsonString(Position))

/** One lane's position, as this process knows it. */
export interface OpenPosition {
  readonly sequence: number
  /** Moves it. Fails where another process has moved it meanwhile. */
  readonly move: (sequence: number) => Effect.Effect<void, ZenError>
}

export class Positions extends Context.Service<
  Positions,
  {
    /** 0 for a lane that is new, or whose stream was made anew. */
    readonly open: (tenant: TenantSlug, source: StreamIncarnation) => Effect.Effect<OpenPosition, ZenError>
  }
>()("@bulkhead/zen-consumer/Positions") {
  static readonly layer: Layer.Layer<Positions, never, Nats> = Layer.effect(
    Positions,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const nats = yield* Nats
  let known: KV | undefined

  const bucket = Effect.gen(function* () {
    const connection = yield* nats.connection
    known ??= yield* Effect.tryPromise({
      try: () => new Kvm(connection).create(POSITION_BUCKET, { history: 1 }),
      catch: attempt("Positions.bucket")
    })
    return known
  })

  const open = Effect.fn("Positions.open")(function* (tenant: TenantSlug, source: StreamIncarnation) {
    const key = `${source.stream}.${tenant}`
    const kv = yield* bucket
    const entry = yield* Effect.tryPromise({ try: () => kv.get(key), catch: attempt("Positions.open") }).pipe(
      // A bucket that is gone is made again by the next try.
      Effect.tapError(() => Effect.sync(() => (known = undefined)))
    )
    const found = entry?.operation === "PUT" ? Option.getOrUndefined(decodePosition(entry.string())) : undefined
    // A stream that came back with fewer messages has lost some; the rest is read again, and is stored once.
    const isThisStream = found?.createdAt === source.createdAt && found.sequence <= source.lastSequence
    let revision = entry?.revision ?? 0
    return {
      sequence: isThisStream ? found.sequence : 0,
      move: (sequence: number) =>
        Effect.tryPromise({
          try: async () => {
            const text = JSON.stringify({ createdAt: source.createdAt, sequence })
            revision = await kv.put(key, text, { previousSeq: revision })
          },
          catch: (cause) =>
            new ZenError({
              operation: "Positions.move",
              problem: `the position ${sequence} of "${key}" was not written; another process may have the lane`,
              cause
            })
        })
    }
  })

  return Positions.of({ open })
})
