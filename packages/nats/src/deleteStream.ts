/**
 * Makes the server have a stream no more. Safe to repeat.
 */
import { askJetStream, unlessMissing } from "./internal/askJetStream.ts"

/**
 * Deletes a stream with all its messages and consumers, and looks whether it is gone; one that is not there is fine.
 *
 * **Fails**: `NatsUnavailable` (retryable) without connection or answer, `RequestRefused` without the right.
 *
 * @stability stable
 */
export const deleteStream = (stream: string) =>
  askJetStream({
    operation: "deleteStream",
    what: `stream "${stream}"`,
    rights: "STREAM.INFO and DELETE",
    ask: async ({ streams }) => {
      await streams.delete(stream).catch(unlessMissing)
      if ((await streams.info(stream).catch(unlessMissing)) !== undefined) throw new Error("it is still there")
    }
  })
