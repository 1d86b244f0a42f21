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
import { lockFolder } from "./FolderLock.ts"
import { MemoryBudget } from "./MemoryBudget.ts"
import { encodedBytes, type Message } from "./Segment.ts"

const PAUSE = Schedule.spaced("50 millis")

export class EdgeBuffer extends Context.Service<
  EdgeBuffer,
  {
    /** Keeps all of them or fails: for whoever gets an answer, and has taken the memory. */
    readonly take: (source: Source, messages: ReadonlyArray<Message>) => Effect.Effect<void, BufferError>
    /** Waits for memory and until they are kept: for connections, whose senders wait then too. */
    readonly takePatiently: (source: Source, messages: ReadonlyArray<Message>) => Effect.Effect<void>
    /** Keeps them or drops them with a count: for datagrams. Resolves to whether they are kept. */
    readonly takeOrDrop: (source: Source, messages: ReadonlyArray<Message>) => Promise<boolean>
    readonly disk: DiskBuffer
    readonly memory: MemoryBudget
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
  const memory = new MemoryBudget(config.memoryBytesMax)
  yield* lockFolder(config.buffer.folder)
  const disk = yield* Effect.acquireRelease(
    Effect.tryPromise({ try: () => DiskBuffer.open(config.buffer), catch: asBufferError }),
    (open) => Effect.promise(() => open.close())
  )
  metrics.watch(disk, memory)
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
    memory,
    take: append,
    takePatiently: (source, messages) => {
      // More than there is would never come; it is one message of a few, for nobody holds so much otherwise.
      const bytes = Math.min(bytesOf(messages), memory.bytesMax)
      return Effect.acquireUseRelease(
        Effect.promise(() => memory.take(bytes)),
        () => append(source, messages).pipe(Effect.retry(PAUSE), Effect.orDie),
        () => Effect.sync(() => memory.give(bytes))
      )
    },
    takeOrDrop: async (source, messages) => {
      const bytes = bytesOf(messages)
      if (!memory.tryTake(bytes)) {
        metrics.dropped(source, "memory", messages.length)
        return false
      }
      try {
        await disk.append(messages)
        metrics.received(source, messages.length)
        return true
      } catch (error) {
        metrics.dropped(source, asBufferError(error).reason, messages.length)
        return false
      } finally {
        memory.give(bytes)
      }
    }
  })
})

const bytesOf = (messages: ReadonlyArray<Message>): number =>
  messages.reduce((sum, message) => sum + encodedBytes(message), 0)
