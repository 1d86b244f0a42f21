/**
 * What all readers of one connection may ask for together. The server sends what was asked for as fast as it can, and
 * cuts off a client that lets more than `max_pending` (64 MiB by default) pile up: after an outage thousands of readers,
 * each of which asks for a whole batch, would be cut off again and again.
 *
 * So a reader that has nothing to expect asks for a little, its share of one half. One that knows of waiting messages
 * asks for them out of the other half, and for a little where that is spent.
 */
import type { NatsConnection } from "@nats-io/nats-core"

const MIB = 1024 * 1024
const IDLE_BYTES = 24 * MIB
const BUSY_BYTES = 24 * MIB
const SHARE_BYTES_MAX = MIB / 4
const SHARE_BYTES_MIN = 4 * 1024

const budgets = new WeakMap<NatsConnection, PullBudget>()

export class PullBudget {
  #readers = 0
  #left = BUSY_BYTES
  readonly #waiting = new Set<() => void>()

  /** The one of a connection. */
  static of(connection: NatsConnection): PullBudget {
    const known = budgets.get(connection)
    if (known !== undefined) return known
    const budget = new PullBudget()
    budgets.set(connection, budget)
    return budget
  }

  enter(): void {
    this.#readers += 1
  }

  leave(): void {
    this.#readers -= 1
  }

  /** What a reader may always ask for. */
  get share(): number {
    const equal = Math.floor(IDLE_BYTES / Math.max(1, this.#readers))
    return Math.max(SHARE_BYTES_MIN, Math.min(SHARE_BYTES_MAX, equal))
  }

  /** Takes up to `bytes`, and gives what it took: 0 where that is no more than the share. */
  take(bytes: number): number {
    const granted = Math.min(bytes, this.#left)
    if (granted <= this.share) return 0
    this.#left -= granted
    return granted
  }

  giveBack(bytes: number): void {
    if (bytes === 0) return
    this.#left += bytes
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    // Who finds nothing left waits again.
    for (const onRoom of waiting) onRoom()
  }

  /** Calls `onRoom` once, when something was given back; gives a function that takes the wish back. */
  whenRoom(onRoom: () => void): () => void {
    this.#waiting.add(onRoom)
    return () => void this.#waiting.delete(onRoom)
  }
}
