/**
 * The buffer between the listeners and the uplink. Each listener hands its messages in as its protocol allows: those that
 * can wait wait, those that can be told are told, and what a datagram brings is dropped with a count.
 */
import { Health } from "@bulkhead/observability"
import { Context, Effect, Layer, Schedule } from "effect"
import { BufferError } from "./BufferError.ts"
import { DiskBuffer } from "./DiskBuffer.ts"
import { EdgeConfig } from "./EdgeConfig.ts"
import { EdgeMetrics, type Source } from "./EdgeMetrics.ts"
import type { Message } from "./Segment.ts"

const PAUSE = Schedule.spaced("50 millis")
/** How long somebody who can be told to come again waits for the disk first. */
const PATIENCE = "5 seconds"

export class EdgeBuffer extends Context.Service<
  EdgeBuffer,
  {
    /** Keeps all of them, or fails within seconds: for whoever gets an answer. */
    readonly take: (source: Source, messages: ReadonlyArray<Message>) => Effect.Effect<void, BufferError>
    /** Waits until they are kept: for connections, whose senders wait then too. */
    readonly takePatiently: (source: Source, messages: ReadonlyArray<Message>) => Effect.Effect<void>
    /** Keeps them or drops them with a count: for datagrams. Resolves to whether they are kept. */
    readonly takeOrDrop: (source: Source, messages: ReadonlyArray<Message>) => Promise<boolean>
    readonly disk: DiskBuffer
  }
>()("@bulkhead/edge-collector/EdgeBuffer") {
  static readonly layer = Layer.effect(
    EdgeBuffer,
    Effect.suspend(() => make)
  )
}

const asBufferError = (error: unknown): BufferError =>
  error instanceof BufferError ? error : new BufferError("disk", String(error))

const make = Effect.gen(function* () {
  const config = yield* EdgeConfig
  const metrics = yield* EdgeMetrics
  const disk = yield* Effect.acquireRelease(
    Effect.tryPromise({ try: () => DiskBuffer.open(config.buffer), catch: asBufferError }),
    (open) => Effect.promise(() => open.close())
  )
  metrics.watch(disk)
  if (disk.messages > 0) yield* Effect.logInfo("sends what an earlier process left", { messages: disk.messages })
  yield* (yield* Health).register(
    "buffer",
    Effect.sync(() => disk.problem ?? (disk.isFull ? "full" : undefined))
  )

  const append = (source: Source, messages: ReadonlyArray<Message>) =>
    Effect.tryPromise({ try: () => disk.append(messages), catch: asBufferError }).pipe(
      Effect.tap(() => Effect.sync(() => metrics.received(source, messages.length)))
    )

  return EdgeBuffer.of({
    disk,
    take: (source, messages) =>
      append(source, messages).pipe(
        Effect.retry({
          while: (error) => error.reason === "busy",
          schedule: Schedule.upTo(PAUSE, { duration: PATIENCE })
        })
      ),
    takePatiently: (source, messages) => append(source, messages).pipe(Effect.retry(PAUSE), Effect.orDie),
    takeOrDrop: (source, messages) =>
      disk.append(messages).then(
        () => {
          metrics.received(source, messages.length)
          return true
        },
        (error) => {
          metrics.dropped(source, asBufferError(error).reason, messages.length)
          return false
        }
      )
  })
})
