/**
 * Bounds what is on its way to the server, in messages and in bytes. Who finds no room waits, first come, first served,
 * so that small messages do not hold up a large one for ever. Plain code: it runs once a message.
 */
import { Effect } from "effect"

export interface WindowLimits {
  readonly messagesMax: number
  /** A message larger than this goes alone. */
  readonly bytesMax: number
}

interface Place {
  readonly bytes: number
  isInside: boolean
  enter: () => void
}

export class InFlightWindow {
  readonly #limits: WindowLimits
  readonly #waiting = new Set<Place>()
  #messages = 0
  #bytes = 0
  #isAdmitting = false

  constructor(limits: WindowLimits) {
    this.#limits = limits
  }

  /** Runs `use` once there is room for `bytes`. */
  within<A, E, R>(bytes: number, use: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      const place: Place = { bytes, isInside: false, enter: () => undefined }
      return Effect.ensuring(
        Effect.andThen(this.#turnOf(place), use),
        Effect.sync(() => this.#leave(place))
      )
    })
  }

  #turnOf(place: Place): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#waiting.size === 0 && this.#fits(place)) {
        this.#take(place)
        return Effect.void
      }
      return Effect.callback<void>((resume) => {
        place.enter = () => resume(Effect.void)
        this.#waiting.add(place)
      })
    })
  }

  #fits(place: Place): boolean {
    const { messagesMax, bytesMax } = this.#limits
    return this.#messages === 0 || (this.#messages < messagesMax && this.#bytes + place.bytes <= bytesMax)
  }

  #take(place: Place): void {
    place.isInside = true
    this.#messages += 1
    this.#bytes += place.bytes
  }

  #leave(place: Place): void {
    this.#waiting.delete(place)
    if (place.isInside) {
      this.#messages -= 1
      this.#bytes -= place.bytes
    }
    this.#admit()
  }

  // Who enters may leave at once, while we are still here: the loop then sees the room, and no stack grows.
  #admit(): void {
    if (this.#isAdmitting) return
    this.#isAdmitting = true
    for (const place of this.#waiting) {
      if (!this.#fits(place)) break
      this.#waiting.delete(place)
      this.#take(place)
      place.enter()
    }
    this.#isAdmitting = false
  }
}
