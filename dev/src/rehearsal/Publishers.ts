/**
 * Publishers of an installation without tenants that never stop: they publish on base subjects, and the platform's flag
 * says whether the tenant `default` stands before them. Every so many messages one is sent again later under its own id,
 * as a publisher does that missed its answer; some of these fall on the other side of a switch.
 */
import { randomUUID } from "node:crypto"
import { DEFAULT_TENANT } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { Flags } from "@bulkhead/flags"
import { EventPublisher, Nats } from "@bulkhead/nats"
import { ConfigProvider, Effect, Fiber, FiberSet, Layer, Logger } from "effect"

/** What core writes: other subjects have no table yet. */
const SUBJECTS = ["events.poller.health", "events.ocsf.processed"]
const REPEAT_EACH = 5

const eventOf = (id: string) => ({
  id,
  time: new Date().toISOString(),
  class_uid: 1008,
  category_uid: 1,
  type_uid: 100_801,
  activity_id: 1,
  severity_id: 1,
  message: "rehearsal of a migration",
  metadata: { version: "1.7.0", product: { vendor_name: "Bulkhead", name: "rehearsal" } }
})

export interface PublishersOptions {
  readonly natsUrl: string
  readonly publishers: number
  /** Between two messages of a publisher, milliseconds. */
  readonly pauseMs: number
  /** How long after a message it is sent again, milliseconds. */
  readonly repeatAfterMs: number
}

/** Starts them; they end with the scope, at the latest. */
export const startPublishers = Effect.fnUntraced(function* ({
  natsUrl,
  publishers,
  pauseMs,
  repeatAfterMs
}: PublishersOptions) {
  const nats = Nats.layerWith({ servers: [natsUrl], clientName: "rehearsal" })
  const flags = Flags.layerKv(Nats.use(({ connection }) => connection))
  const layer = EventPublisher.layerWith({}).pipe(Layer.provide(flags), Layer.provide(nats))
  const quiet = Layer.mergeAll(ConfigProvider.layer(ConfigProvider.fromEnvRecord({})), Logger.layer([]))
  const publisher = yield* Effect.provide(EventPublisher, yield* Layer.build(layer.pipe(Layer.provide(quiet))))
  const acknowledged = new Set<string>()
  const repeats = yield* FiberSet.make()
  let repeated = 0
  let isOver = false

  const publish = (id: string, subject: string) =>
    publisher
      .publishWithTenant(DEFAULT_TENANT, subject, new TextEncoder().encode(JSON.stringify(eventOf(id))), {
        messageId: id
      })
      .pipe(
        Effect.retry({ while: (error) => error.isRetryable }),
        Effect.andThen(Effect.sync(() => acknowledged.add(id)))
      )

  const publishAgain = (id: string, subject: string) =>
    Effect.sleep(repeatAfterMs).pipe(
      Effect.andThen(publish(id, subject)),
      Effect.andThen(Effect.sync(() => (repeated += 1)))
    )

  const one = Effect.gen(function* () {
    for (let number = 0; !isOver; number += 1) {
      const [id, subject = ""] = [randomUUID(), SUBJECTS[number % SUBJECTS.length]]
      yield* publish(id, subject)
      if (number % REPEAT_EACH === 0) yield* FiberSet.run(repeats, publishAgain(id, subject))
      yield* Effect.sleep(pauseMs)
    }
  })
  const fibers = yield* Effect.forEach(Array.from({ length: publishers }), () => Effect.forkScoped(one))

  return {
    /** Ids of all messages that a stream has acknowledged. */
    acknowledged,
    /** How many of them were acknowledged twice. */
    repeated: Effect.sync(() => repeated),
    /** Waits until so many more are acknowledged. */
    more: (count: number) =>
      Effect.suspend(() => {
        const wanted = acknowledged.size + count
        return waitUntil(
          `${count} more messages are published`,
          Effect.sync(() => acknowledged.size >= wanted)
        )
      }),
    /** Ends them, and waits for what is under way. */
    stop: Effect.gen(function* () {
      isOver = true
      yield* Fiber.joinAll(fibers)
      yield* FiberSet.awaitEmpty(repeats)
    })
  }
})

export type Publishers = Effect.Success<ReturnType<typeof startPublishers>>
