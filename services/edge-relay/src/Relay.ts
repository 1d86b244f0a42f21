/**
 * Carries the buffer to the platform, oldest first, a batch at a time. What becomes of a batch is known before the next
 * one leaves, so order and number are those of the buffer, through outages of any length and any end of this process.
 */
import { markSubject } from "@bulkhead/edge"
import { Health } from "@bulkhead/observability"
import type { StoredMsg } from "@nats-io/jetstream"
import { Effect, Layer, Random } from "effect"
import { UplinkNats } from "./connections.ts"
import type { Position } from "./Position.ts"
import { RelayConfig } from "./RelayConfig.ts"
import { RelayMetrics } from "./RelayMetrics.ts"
import { type BufferFailed, SiteBuffer } from "./SiteBuffer.ts"
import { type Outcome, sendBatch } from "./sendBatch.ts"

const IDLE_PAUSE = "100 millis"
const PAUSE_MS_MIN = 100
const PAUSE_MS_MAX = 5_000

/** Why the relay does not get on, for people; undefined when it does. */
type Problem = string | undefined

const relay = Effect.gen(function* () {
  const config = yield* RelayConfig
  const buffer = yield* SiteBuffer
  const uplink = yield* UplinkNats
  const metrics = yield* RelayMetrics
  let problem: Problem = "not started"
  yield* (yield* Health).register(
    "uplink",
    Effect.map(uplink.isConnected, (up) => (up ? problem : "the leaf node does not answer"))
  )

  /** What the position says after this stands on the disk. */
  let position: Position | undefined
  /** Smaller for a while after the platform refused a batch, until the one message that it refuses is alone. */
  let messagesMax = config.batch.messagesMax

  const remember = (next: Position) =>
    Effect.tap(buffer.remember(next), () =>
      Effect.sync(() => {
        position = next
      })
    )

  const finish = Effect.fnUntraced(function* (at: Position, done: number, mark: number) {
    yield* remember({ ...at, done, sent: done, mark })
    yield* buffer.removeUpTo(done)
  })

  const send = Effect.fnUntraced(function* (at: Position, messages: ReadonlyArray<StoredMsg>) {
    const connection = yield* uplink.connection
    const mark = { subject: markSubject(config.site, at.relay), known: at.mark }
    return yield* Effect.promise(() => sendBatch(connection, messages, mark))
  })

  const giveUp = Effect.fnUntraced(function* (at: Position, message: StoredMsg, reason: string) {
    metrics.givenUp()
    yield* Effect.logError("a message is given up", { subject: message.subject, problem: reason })
    yield* finish(at, message.seq, at.mark)
  })

  /**
   * The platform will not take this batch as it is: it is cut in half, down to the one message that stands in the way. An
   * earlier try may have been stored all the same, which a mark alone finds out.
   */
  const cut = Effect.fnUntraced(function* (at: Position, messages: ReadonlyArray<StoredMsg>, reason: string) {
    const asked = yield* send(at, [])
    if (asked.kind !== "stored") return yield* settle(at, messages, asked)
    const free = { ...at, sent: at.done, mark: asked.mark }
    const [only, ...others] = messages
    if (only !== undefined && others.length === 0) yield* giveUp(free, only, reason)
    else {
      messagesMax = Math.ceil(messages.length / 2)
      yield* remember(free)
    }
    return undefined
  })

  const settle = (
    at: Position,
    messages: ReadonlyArray<StoredMsg>,
    outcome: Outcome
  ): Effect.Effect<Problem, BufferFailed> =>
    Effect.gen(function* () {
      if (outcome.kind === "failed") return outcome.problem
      if (outcome.kind === "refused") return yield* cut(at, messages, outcome.problem)
      if (outcome.kind === "stored") {
        metrics.relayed(messages.length)
        messagesMax = Math.min(config.batch.messagesMax, 2 * messagesMax)
        yield* finish(at, messages.at(-1)?.seq ?? at.sent, outcome.mark)
      } else if (outcome.mark > at.mark) {
        metrics.found()
        metrics.relayed(messages.length)
        yield* finish(at, at.sent, outcome.mark)
      } else {
        // The stream was made anew, or has let the mark expire, and knows nothing of this batch.
        yield* remember({ ...at, mark: outcome.mark })
      }
      return undefined
    })

  /** What is to be sent: the batch that an earlier try left open, or the oldest messages. */
  const batchAt = Effect.fnUntraced(function* (at: Position) {
    const isOpen = at.sent > at.done
    const limits = { ...config.batch, messagesMax: isOpen ? at.sent - at.done : messagesMax }
    const found = yield* buffer.read(at.done, limits)
    return isOpen ? found.filter(({ seq }) => seq <= at.sent) : found
  })

  /** One batch, or a pause when there is none. Gives what stands in the way. */
  const step = Effect.gen(function* () {
    const at = position ?? (yield* buffer.open)
    position = at
    const level = yield* buffer.level
    metrics.level(level)
    if (level.lastSequence <= at.done) return yield* Effect.as(Effect.sleep(IDLE_PAUSE), undefined)
    const messages = yield* batchAt(at)
    const sending = at.sent > at.done ? at : { ...at, sent: messages.at(-1)?.seq ?? level.lastSequence }
    yield* remember(sending)
    return yield* settle(sending, messages, yield* send(sending, messages))
  })

  const forever = Effect.gen(function* () {
    for (let failures = 0; ; ) {
      const seen: Problem = yield* Effect.catch(step, (error: BufferFailed) => {
        // What was remembered last may or may not be on the disk: it is read again.
        position = undefined
        return Effect.succeed(error.message)
      })
      if (seen !== undefined && seen !== problem) yield* Effect.logWarning("messages wait", { problem: seen })
      problem = seen
      failures = problem === undefined ? 0 : failures + 1
      if (failures === 0) continue
      const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** (failures - 1))
      yield* Effect.sleep(pauseMs * (0.5 + (yield* Random.next) / 2))
    }
  })
  yield* Effect.forkScoped(forever.pipe(Effect.tapCause(Effect.logError)))
})

/** Runs until the scope closes; a batch that is on its way then is settled by the next process. */
export const Relay = Layer.effectDiscard(relay)
