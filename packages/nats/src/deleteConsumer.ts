/**
 * Makes a stream have a durable consumer no more: each one costs the stream something whenever a message arrives.
 */
import { askJetStream, unlessMissing } from "./internal/askJetStream.ts"

/**
 * Deletes a consumer; one that is not there is fine.
 *
 * **Fails**: `NatsUnavailable` (retryable) without connection or answer, `RequestRefused` without the right.
 *
 * @stability stable
 */
export const deleteConsumer = (stream: string, durable: string) =>
  askJetStream({
    operation: "deleteConsumer",
    what: `consumer "${durable}" of stream "${stream}"`,
    rights: "CONSUMER.DELETE",
    ask: async ({ consumers }) => {
      await consumers.delete(stream, durable).catch(unlessMissing)
    }
  })
