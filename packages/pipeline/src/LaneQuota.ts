/**
 * What one tenant's lane may write, asked before each commit. Over its quota a lane waits with the batch it has: it reads
 * no further, what is published meanwhile stays in the stream, and once that is full the server refuses the publisher.
 * So nothing is dropped, and whoever sends too much is told.
 */
import { Clock, Effect, Latch } from "effect"
import { TokenBucket } from "./internal/TokenBucket.ts"

/** How fast a lane may write; infinite where nothing limits it, 0 where nothing may be written. */
export interface LaneRates {
  readonly eventsPerSecond: number
  readonly bytesPerSecond: number
  /** So many seconds' worth of its rates may a tenant that sent less before write at once. */
  readonly burstSeconds: number
}

/** Why a lane waits. */
export interface LaneHold {
  /** `rate`: it writes as fast as it may. `storage`: it writes nothing. */
  readonly kind: "rate" | "storage"
  /** The figure, the limit and the next step. */
  readonly reason: string
}

/** A batch as the quota counts it. */
export interface BatchSize {
  /** Records, or messages where those are more. */
  readonly events: number
  /** Bytes of payload. */
  readonly bytes: number
}

/** So long after the last wait a lane counts as throttled: one that is just over its quota waits now and then. */
const THROTTLED_FOR_MS = 5_000
const WAIT_MS_MAX = 60_000

const rateText = (value: number, unit: string) => (value === Number.POSITIVE_INFINITY ? [] : [`${value} ${unit}`])

export class LaneQuota {
  readonly rates: LaneRates
  readonly #events: TokenBucket
  readonly #bytes: TokenBucket
  readonly #onAdmit: (size: BatchSize) => void
  readonly #mayStore = Latch.makeUnsafe(true)
  #storageReason: string | undefined
  #waitingSinceMs: number | undefined
  #waitedUntilMs = Number.NEGATIVE_INFINITY
  #isThrottled = false
  #waitedMs = 0

  /** `onAdmit` is told of each batch that may be written. */
  constructor(rates: LaneRates, nowMs: number, onAdmit: (size: BatchSize) => void) {
    this.rates = rates
    this.#onAdmit = onAdmit
    const { eventsPerSecond, bytesPerSecond, burstSeconds } = rates
    this.#events = new TokenBucket(eventsPerSecond, eventsPerSecond * burstSeconds, nowMs)
    this.#bytes = new TokenBucket(bytesPerSecond, bytesPerSecond * burstSeconds, nowMs)
  }

  /** Why the lane waits, or waited a moment ago. */
  get hold(): LaneHold | undefined {
    if (this.#storageReason !== undefined) return { kind: "storage", reason: this.#storageReason }
    return this.#isThrottled ? { kind: "rate", reason: this.#rateReason } : undefined
  }

  /** Waits until the batch may be written. */
  readonly admit = Effect.fnUntraced(function* (this: LaneQuota, size: BatchSize) {
    yield* this.#mayStore.await
    while (true) {
      const nowMs = yield* Clock.currentTimeMillis
      const waitMs = Math.max(this.#events.waitMs(size.events, nowMs), this.#bytes.waitMs(size.bytes, nowMs))
      if (waitMs <= 0) break
      yield* this.#wait(waitMs, nowMs)
    }
    const nowMs = yield* Clock.currentTimeMillis
    this.#events.take(size.events, nowMs)
    this.#bytes.take(size.bytes, nowMs)
    // The storage quota may have been used up while the batch waited for its rate.
    yield* this.#mayStore.await
    this.#onAdmit(size)
  })

  /** The tenant has stored too much: nothing is written until `mayStore`. Gives whether that is new. */
  mayNotStore(reason: string): boolean {
    const isNew = this.#storageReason === undefined
    this.#storageReason = reason
    this.#mayStore.closeUnsafe()
    return isNew
  }

  /** Gives whether it might not before. */
  mayStore(): boolean {
    const isNew = this.#storageReason !== undefined
    this.#storageReason = undefined
    this.#mayStore.openUnsafe()
    return isNew
  }

  /** Milliseconds that the lane was throttled since this was asked last, and whether the throttling has just ended. */
  settle(nowMs: number): { readonly throttledMs: number; readonly hasEnded: boolean } {
    if (this.#waitingSinceMs !== undefined) {
      this.#waitedMs += Math.max(0, nowMs - this.#waitingSinceMs)
      this.#waitingSinceMs = nowMs
      this.#waitedUntilMs = nowMs
    }
    const throttledMs = this.#waitedMs
    this.#waitedMs = 0
    const hasEnded = this.#isThrottled && nowMs - this.#waitedUntilMs >= THROTTLED_FOR_MS
    if (hasEnded) this.#isThrottled = false
    return { throttledMs, hasEnded }
  }

  get #rateReason(): string {
    const { eventsPerSecond, bytesPerSecond } = this.rates
    const quota = [...rateText(eventsPerSecond, "events/s"), ...rateText(bytesPerSecond, "bytes/s")].join(" and ")
    return (
      `the tenant sends more than its quota of ${quota}: the rest waits in its stream, which refuses publishers once it ` +
      "is full. Send less, or raise the plan or the limits eventsPerSecond and bytesPerSecond"
    )
  }

  #wait(waitMs: number, nowMs: number): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      this.#waitingSinceMs = nowMs
      if (!this.#isThrottled) {
        this.#isThrottled = true
        yield* Effect.logWarning("the lane is throttled", { problem: this.#rateReason })
      }
      // An infinite wait ends with the lane, when the tenant's limits change.
      yield* Effect.sleep(Math.min(Math.ceil(waitMs), WAIT_MS_MAX))
      const endedMs = yield* Clock.currentTimeMillis
      this.#waitedMs += Math.max(0, endedMs - this.#waitingSinceMs)
      this.#waitedUntilMs = endedMs
      this.#waitingSinceMs = undefined
    })
  }
}
