/**
 * Makes the consumers of a stream that the plan makes and that are missing: core's way, as tenants come. One that is there
 * stays as it is; `applyStreams` changes it, which knows what that may cost.
 */
import { Effect } from "effect"
import { askJetStream, unlessMissing } from "../internal/askJetStream.ts"
import { createConsumer } from "../internal/createConsumer.ts"
import type { PlannedStream } from "./StreamPlan.ts"

/**
 * **Fails**: `NatsUnavailable` (retryable) without connection or answer, `RequestRefused` without the right, or where a
 * limit or the server's version stands against one.
 *
 * @stability stable
 */
export const ensureConsumers = Effect.fn("ensureConsumers")(function* ({
  name: stream,
  consumers = []
}: PlannedStream) {
  yield* Effect.forEach(
    consumers.filter(({ madeBy }) => madeBy === "plan"),
    (wanted) =>
      askJetStream({
        operation: "ensureConsumers",
        what: `consumer "${wanted.name}" of stream "${stream}"`,
        rights: "CONSUMER.INFO and CONSUMER.DURABLE.CREATE",
        ask: async (manager) => {
          const found = await manager.consumers.info(stream, wanted.name).catch(unlessMissing)
          if (found === undefined) await createConsumer(manager, stream, wanted)
        }
      }),
    { discard: true }
  )
})
