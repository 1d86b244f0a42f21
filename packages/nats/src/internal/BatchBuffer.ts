/**
 * Messages between the reader, which fills it, and the lane, which takes batches out. Plain code: it runs once a
 * message.
 */
import type { NatsError } from "../NatsError.ts"

/** When a batch is complete: by any of the three. */
export interface BatchLimits {
  readonly rowsMax: number
  readonly bytesMax: number
  /** Age of the batch's first message, milliseconds. */
  readonly ageMs: number
}

type Taker<A> = (batch: ReadonlyArray<A> | NatsError) => void

export class BatchBuffer<A> {
  readonly #limits: BatchLimits
  readonly #sizeOf: (item: A) => number
  #items: Array<A> = []
  #bytes = 0
  #firstAt = 0
  #failure: NatsError | undefined
  #taker: Taker<A> | undefined
  #timer: NodeJS.Timeout | undefined
  #onRoom: (() => void) | undefined

  constructor(limits: BatchLimits, sizeOf: (item: A) => number) {
    this.#limits = limits
    this.#sizeOf = sizeOf
  }

  push(item: A): void {
    if (this.#items.length === 0) this.#firstAt = performance.now()
    this.#items.push(item)
    this.#bytes += this.#sizeOf(item)
    if (this.#taker !== undefined) this.#serve()
  }

  /** Ends the buffer: what has not been taken is forgotten, as the lane will read it again. */
  fail(error: NatsError): void {
    this.#failure ??= error
    this.#serve()
    this.#onRoom?.()
  }

  /** Hands the next complete batch to `taker`, once; gives a function that withdraws the wish. */
  take(taker: Taker<A>): () => void {
    this.#taker = taker
    this.#serve()
    return () => {
      this.#taker = undefined
      clearTimeout(this.#timer)
    }
  }

  /** Resolves when less than one batch is waiting. */
  async room(): Promise<void> {
    if (!this.#isFull() || this.#failure !== undefined) return
    await new Promise<void>((resolve) => {
      this.#onRoom = resolve
    })
  }

  #isFull(): boolean {
    return this.#items.length >= this.#limits.rowsMax || this.#bytes >= this.#limits.bytesMax
  }

  #serve(): void {
    const taker = this.#taker
    if (taker === undefined) return
    if (this.#failure !== undefined) return this.#hand(taker, this.#failure)
    if (this.#items.length === 0) return
    const waitMs = this.#limits.ageMs - (performance.now() - this.#firstAt)
    if (this.#isFull() || waitMs <= 0) return this.#hand(taker, this.#cut())
    if (this.#timer === undefined) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined
        this.#serve()
      }, waitMs)
    }
  }

  #hand(taker: Taker<A>, batch: ReadonlyArray<A> | NatsError): void {
    this.#taker = undefined
    clearTimeout(this.#timer)
    this.#timer = undefined
    taker(batch)
  }

  /** The oldest messages, as many as one batch may hold. */
  #cut(): ReadonlyArray<A> {
    let rows = 0
    let bytes = 0
    for (const item of this.#items) {
      if (rows === this.#limits.rowsMax || bytes >= this.#limits.bytesMax) break
      rows += 1
      bytes += this.#sizeOf(item)
    }
    const batch = this.#items.slice(0, rows)
    this.#items = this.#items.slice(rows)
    this.#bytes -= bytes
    this.#firstAt = performance.now()
    this.#onRoom?.()
    this.#onRoom = undefined
    return batch
  }
}
