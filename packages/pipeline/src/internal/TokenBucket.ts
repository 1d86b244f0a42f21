/**
 * How much of something may pass: `ratePerSecond` in the long run, and what gathered while less came, up to `burst`.
 * Plain code; the time is given to it.
 */
export class TokenBucket {
  readonly #ratePerSecond: number
  readonly #burst: number
  #tokens: number
  #atMs: number

  /** A new bucket is full. An infinite rate lets everything pass, and 0 nothing. */
  constructor(ratePerSecond: number, burst: number, nowMs: number) {
    this.#ratePerSecond = ratePerSecond
    this.#burst = burst
    this.#tokens = burst
    this.#atMs = nowMs
  }

  /** Milliseconds until `amount` may pass; 0 for now, and infinite for never. More than a burst waits for a whole one. */
  waitMs(amount: number, nowMs: number): number {
    if (this.#ratePerSecond === Number.POSITIVE_INFINITY) return 0
    if (this.#ratePerSecond === 0) return Number.POSITIVE_INFINITY
    this.#refill(nowMs)
    return Math.max(0, Math.min(amount, this.#burst) - this.#tokens) * (1_000 / this.#ratePerSecond)
  }

  /** Lets `amount` pass. */
  take(amount: number, nowMs: number): void {
    if (!Number.isFinite(this.#ratePerSecond)) return
    this.#refill(nowMs)
    this.#tokens -= amount
  }

  #refill(nowMs: number): void {
    // A clock that was set back must not take tokens away.
    const seconds = Math.max(0, nowMs - this.#atMs) / 1_000
    this.#atMs = nowMs
    this.#tokens = Math.min(this.#burst, this.#tokens + seconds * this.#ratePerSecond)
  }
}
