/**
 * Makes a stream hold nothing under some subjects. Safe to repeat.
 */
import { askJetStream, unlessMissing } from "./internal/askJetStream.ts"

/**
 * Removes all messages under a pattern, for good; a stream that is not there is fine.
 *
 * **Fails**: `NatsUnavailable` (retryable) without connection or answer, `RequestRefused` without the right.
 *
 * @stability stable
 */
export const purgeSubject = (stream: string, pattern: string) =>
  askJetStream({
    operation: "purgeSubject",
    what: `stream "${stream}"`,
    rights: "STREAM.PURGE",
    ask: async ({ streams }) => {
      await streams.purge(stream, { filter: pattern }).catch(unlessMissing)
    }
  })
