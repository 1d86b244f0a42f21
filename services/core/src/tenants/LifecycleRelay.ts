/**
 * Publishes what happened to tenants: takes messages out of the outbox, publishes each under its own id, and removes it
 * after the stream's ack (docs/adr/0008). A tenant whose message cannot be published keeps its later ones waiting and
 * holds up no other tenant.
 */
import { EventPublisher, ensureStream, Nats } from "@bulkhead/nats"
import { Outbox, type OutboxMessage } from "@bulkhead/storage"
import { withTenant } from "@bulkhead/tenancy"
import { jetstream } from "@nats-io/jetstream"
import { Effect, Layer, Schedule } from "effect"
import { runDuty } from "../replicas/Duty.ts"
import { lifecycleStream } from "../streams/planOfPlatform.ts"

const MESSAGES_AT_ONCE = 200
const POLL_EVERY = "500 millis"
/** One try; a message that needs longer is tried again in the next round, with the same id. */
const PUBLISH_TIMEOUT = "5 seconds"

const encoder = new TextEncoder()

const make = Effect.gen(function* () {
  const outbox = yield* Outbox
  const publisher = yield* EventPublisher
  const nats = yield* Nats

  const publish = Effect.fnUntraced(function* (message: OutboxMessage) {
    const data = encoder.encode(JSON.stringify(message.payload))
    if (message.kind === "event") {
      return yield* publisher.publish(message.subject, data, { messageId: message.messageId })
    }
    const connection = yield* nats.connection
    return yield* Effect.tryPromise(() =>
      jetstream(connection).publish(message.subject, data, { msgID: message.messageId })
    )
  })

  /** Publishes one tenant's messages in order, up to the first that fails; gives the ids of the published ones. */
  const publishInOrder = (messages: ReadonlyArray<OutboxMessage>) => {
    const published: Array<bigint> = []
    const [first] = messages
    if (first === undefined) return Effect.succeed(published)
    return Effect.forEach(
      messages,
      (message) =>
        publish(message).pipe(
          Effect.timeout(PUBLISH_TIMEOUT),
          Effect.map(() => published.push(message.id))
        ),
      { discard: true }
    ).pipe(
      Effect.catch((error) => Effect.logDebug("a lifecycle message waits", { problem: error.message })),
      Effect.as(published),
      withTenant({ slug: first.tenant })
    )
  }

  const round = Effect.gen(function* () {
    const waiting = Map.groupBy(yield* outbox.take(MESSAGES_AT_ONCE), (message) => message.tenant)
    const published = yield* Effect.forEach(waiting.values(), publishInOrder, { concurrency: "unbounded" })
    const ids = published.flat()
    if (ids.length > 0) yield* outbox.markPublished(ids)
  })

  yield* runDuty(
    "lifecycle-relay",
    Effect.flatMap(lifecycleStream, ensureStream).pipe(
      Effect.andThen(round.pipe(Effect.andThen(Effect.sleep(POLL_EVERY)), Effect.forever)),
      Effect.tapError((error) =>
        Effect.logWarning("lifecycle messages wait; trying again", { problem: error.message })
      ),
      Effect.retry(Schedule.spaced("2 seconds"))
    )
  )
})

/** Runs the relay until the scope closes, in one replica at a time; what two publish has the same id. */
export const LifecycleRelay = Layer.effectDiscard(make)
