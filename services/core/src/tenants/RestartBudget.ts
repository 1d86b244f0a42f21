/**
 * How many failures an actor may have in a time before its tries become rare. Rare tries go on until one of them runs
 * well: nothing is given up, and a tenant that cannot work does not cost the others anything.
 */
export class RestartBudget {
  readonly #failuresMax: number
  readonly #windowMs: number
  #failedAtMs: Array<number> = []
  isUsedUp = false

  constructor(failuresMax: number, windowMs: number) {
    this.#failuresMax = failuresMax
    this.#windowMs = windowMs
  }

  /** Counts a failure; gives true for the one that uses the budget up. */
  count(nowMs: number): boolean {
    this.#failedAtMs = [...this.#failedAtMs.filter((atMs) => nowMs - atMs < this.#windowMs), nowMs]
    if (this.isUsedUp || this.#failedAtMs.length < this.#failuresMax) return false
    this.isUsedUp = true
    return true
  }

  /** The actor ran well. */
  refill(): void {
    this.#failedAtMs = []
    this.isUsedUp = false
  }
}
