/**
 * One tenant's publisher: bursts at a steady rate, each event with an id of its own and repeated until the stream has
 * acknowledged it. Every so many events one is sent a second time, as a publisher does that missed its answer.
 */
import type { TenantSlug } from "@bulkhead/channels"
import type { EventPublisher, PublishAck, PublishError } from "@bulkhead/nats"
import { Clock, Effect, Latch, Schedule, Semaphore } from "effect"
import { encode, eventOf } from "./events.ts"
import { Ledger } from "./Ledger.ts"
import type { PoisonKind } from "./poison.ts"

const SUBJECT = "events.poller.health"
const REPEAT_EACH = 20
const AGAIN = Schedule.spaced("100 millis")

/** How a tenant publishes. */
export interface Pace {
  readonly slug: string
  readonly eventsPerSecond: number
  /** Pause between two bursts, milliseconds. */
  readonly burstMs: number
}

export class TenantLoad {
  readonly ledger: Ledger
  readonly slug: TenantSlug
  /** How often a stream refused an event for want of room. */
  refusals = 0
  readonly #publisher: EventPublisher["Service"]
  readonly #pace: Pace
  readonly #isOn = Latch.makeUnsafe(false)
  readonly #burst = Semaphore.makeUnsafe(1)

  constructor(pace: Pace, index: number, publisher: EventPublisher["Service"]) {
    this.#pace = pace
    this.#publisher = publisher
    this.slug = pace.slug as TenantSlug
    this.ledger = new Ledger(pace.slug, index)
  }

  /** Publishes bursts whenever it is switched on; never ends. */
  get run(): Effect.Effect<never> {
    const { eventsPerSecond, burstMs } = this.#pace
    const count = Math.max(1, Math.round((eventsPerSecond * burstMs) / 1_000))
    return Effect.forever(
      this.#isOn.await.pipe(
        Effect.andThen(this.#burst.withPermits(1)(this.publish(count))),
        Effect.andThen(Effect.sleep(burstMs))
      )
    )
  }

  get start(): Effect.Effect<void> {
    return Effect.asVoid(this.#isOn.open)
  }

  /** Switches it off; done when the burst under way is acknowledged. */
  get stop(): Effect.Effect<void> {
    return Effect.andThen(this.#isOn.close, this.#burst.withPermits(1)(Effect.void))
  }

  /** Publishes so many events at once and waits until each is stored. `time` is the events' own, now when absent. */
  publish(count: number, time?: Date): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const now = new Date(yield* Clock.currentTimeMillis)
      const events = Array.from({ length: count }, () => {
        const number = this.ledger.open()
        return { number, data: encode(eventOf(this.slug, number, this.ledger.idOf(number), time ?? now)) }
      })
      yield* Effect.forEach(events, ({ number, data }) => this.#send(number, data, time === undefined), AT_ONCE)
    })
  }

  /** Publishes a message that can never become a row. */
  poison(kind: PoisonKind): Effect.Effect<void> {
    return Effect.suspend(() => {
      const number = this.ledger.open()
      const id = this.ledger.idOf(number)
      const payload = kind.payload(eventOf(this.slug, number, id, new Date()))
      this.ledger.poison.set(number, { reason: kind.reason, payload })
      return this.#send(number, payload, false)
    })
  }

  /** Sends up to so many of the newest events again under their own ids, and counts those that the stream knew. */
  repeat(count: number): Effect.Effect<{ readonly sent: number; readonly known: number }> {
    const { sequences, poison } = this.ledger
    const first = Math.max(0, sequences.length - count)
    const numbers = Array.from({ length: sequences.length - first }, (_, index) => first + index).filter(
      (number) => sequences[number] !== 0 && !poison.has(number)
    )
    const again = (number: number) =>
      this.#untilStored(number, encode(eventOf(this.slug, number, this.ledger.idOf(number), new Date())))
    return Effect.map(
      Effect.forEach(
        numbers,
        (number) => Effect.map(again(number), (ack) => ack.duplicate && ack.sequence === sequences[number]),
        AT_ONCE
      ),
      (isKnown) => ({ sent: numbers.length, known: isKnown.filter((known) => known).length })
    )
  }

  #send(number: number, data: Uint8Array, isOrdinary: boolean): Effect.Effect<void> {
    const stored = Effect.map(this.#untilStored(number, data), (ack) =>
      this.ledger.acknowledge(number, ack.sequence, isOrdinary)
    )
    return number % REPEAT_EACH === 0 ? Effect.andThen(stored, Effect.asVoid(this.#untilStored(number, data))) : stored
  }

  #untilStored(number: number, data: Uint8Array): Effect.Effect<PublishAck> {
    return this.#publisher.publishWithTenant(this.slug, SUBJECT, data, { messageId: this.ledger.idOf(number) }).pipe(
      Effect.tapError((error) => Effect.sync(() => this.#note(error))),
      Effect.retry({ schedule: AGAIN, while: (error) => error.isRetryable }),
      Effect.orDie
    )
  }

  #note(error: PublishError): void {
    if (error.reason._tag === "StreamFull") this.refusals += 1
  }
}

const AT_ONCE = { concurrency: "unbounded" } as const
