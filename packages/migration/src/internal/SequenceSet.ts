/**
 * Sequences that were seen, as ranges: a stream that was read whole is one range.
 */
export class SequenceSet {
  /** Starts and ends in turn, ends included. */
  readonly #bounds: Array<number> = []

  /** Sequences come in order. */
  add(sequence: number): void {
    const end = this.#bounds.length - 1
    if (this.#bounds[end] === sequence - 1) this.#bounds[end] = sequence
    else this.#bounds.push(sequence, sequence)
  }

  has(sequence: number): boolean {
    let [low, high] = [0, this.#bounds.length / 2]
    while (low < high) {
      const middle = (low + high) >> 1
      if (sequence > (this.#bounds[2 * middle + 1] ?? 0)) low = middle + 1
      else high = middle
    }
    return sequence >= (this.#bounds[2 * low] ?? Number.POSITIVE_INFINITY)
  }
}
