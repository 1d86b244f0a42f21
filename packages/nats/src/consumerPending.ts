/**
 * How far somebody else's reader is behind.
 */
import { askJetStream, unlessMissing } from "./internal/askJetStream.ts"

/**
 * Messages that a durable consumer has not acknowledged yet; undefined where there is no such consumer.
 *
 * **Fails**: `NatsUnavailable` (retryable) without connection or answer, `RequestRefused` without the right.
 *
 * @stability stable
 */
export const consumerPending = (stream: string, durable: string) =>
  askJetStream({
    operation: "consumerPending",
    what: `consumer "${durable}" of stream "${stream}"`,
    rights: "CONSUMER.INFO",
    ask: async ({ consumers }): Promise<number | undefined> => {
      const info = await consumers.info(stream, durable).catch(unlessMissing)
      return info === undefined ? undefined : info.num_pending + info.num_ack_pending
    }
  })
