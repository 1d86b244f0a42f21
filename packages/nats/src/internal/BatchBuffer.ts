/**
 * Messages between the puller, which fills it, and the reader, who takes batches out. Plain code: it runs once a message.
 */
import type { DeliveredMessage } from "./DeliveredMessage.ts"

/** A batch is complete by any of the three. */
export interface BatchLimits {
  readonly rowsMax: number
  /** Bytes with subjects and headers; a single larger message is a batch of its own. */
  readonly bytesMax: number
  /** How long the first message of a batch waits for others, milliseconds. */
  readonly ageMs: number
}

export class BatchBuffer {
  readonly #limits: BatchLimits
  #messages: Array<DeliveredMessage> = []
  #bytes = 0
  #firstAtMs = 0
  #isHeld = false
  #onReady: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined

  constructor(limits: BatchLimits) {
    this.#limits = limits
  }

  get length(): number {
    return this.#messages.length
  }

  get oldest(): DeliveredMessage | undefined {
    return this.#messages[0]
  }

  /** Whether a whole batch is waiting. */
  get isFull(): boolean {
    return this.#messages.length >= this.#limits.rowsMax || this.#bytes >= this.#limits.bytesMax
  }

  push(message: DeliveredMessage): void {
    if (this.#messages.length === 0) this.#firstAtMs = performance.now()
    this.#messages.push(message)
    this.#bytes += message.sizeBytes
    if (this.#onReady !== undefined) this.#notice()
  }

  /** While held, a batch is complete when it is full and not by its age. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    if (!isHeld && this.#onReady !== undefined) this.#notice()
  }

  /** Calls `onReady` once, when a batch is complete; gives a function that takes the wish back. */
  whenReady(onReady: () => void): () => void {
    this.#onReady = onReady
    this.#notice()
    return () => this.#forgetWish()
  }

  /** The oldest messages, as many as fit one batch. */
  cut(): ReadonlyArray<DeliveredMessage> {
    let rows = 0
    let bytes = 0
    for (const message of this.#messages) {
      if (rows === this.#limits.rowsMax || (rows > 0 && bytes + message.sizeBytes > this.#limits.bytesMax)) break
      rows += 1
      bytes += message.sizeBytes
    }
    const batch = this.#messages
    this.#messages = batch.splice(rows)
    this.#bytes -= bytes
    this.#firstAtMs = performance.now()
    return batch
  }

  #notice(): void {
    if (this.#messages.length === 0 || (this.#isHeld && !this.isFull)) return
    const waitMs = this.isFull ? 0 : this.#firstAtMs + this.#limits.ageMs - performance.now()
    if (waitMs <= 0) {
      const onReady = this.#onReady
      this.#forgetWish()
      onReady?.()
    } else {
      this.#timer ??= setTimeout(() => {
        // In a busy process the timer is late, and what has arrived meanwhile is read after it: it belongs to the batch.
        this.#immediate = setImmediate(() => {
          this.#timer = undefined
          this.#notice()
        })
      }, waitMs)
    }
  }

  #forgetWish(): void {
    this.#onReady = undefined
    clearTimeout(this.#timer)
    clearImmediate(this.#immediate)
    this.#timer = undefined
  }
}
