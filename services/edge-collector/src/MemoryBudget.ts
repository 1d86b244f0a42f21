/**
 * The memory that all listeners share for what they have received and the disk does not have yet. Who wants to hold bytes
 * takes them first, and gives them back; each protocol says in its own way that there are none.
 */
interface Waiting {
  readonly bytes: number
  readonly resolve: () => void
}

export class MemoryBudget {
  readonly bytesMax: number
  #takenBytes = 0
  readonly #waiting: Array<Waiting> = []

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  get takenBytes(): number {
    return this.#takenBytes
  }

  /** How many wait for bytes. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Whether the bytes are taken. They are not where there are too few, nor before those who wait. */
  tryTake(bytes: number): boolean {
    if (this.#waiting.length > 0 || this.#takenBytes + bytes > this.bytesMax) return false
    this.#takenBytes += bytes
    return true
  }

  /** Resolves when the bytes are taken, in the order of the calls; never for more than `bytesMax`. */
  take(bytes: number): Promise<void> {
    if (this.tryTake(bytes)) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ bytes, resolve }))
  }

  give(bytes: number): void {
    this.#takenBytes -= bytes
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#takenBytes + next.bytes > this.bytesMax) return
      this.#takenBytes += next.bytes
      this.#waiting.shift()
      next.resolve()
    }
  }
}
