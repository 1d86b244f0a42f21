/**
 * How much of a stream lies under some subjects.
 */
import { askJetStream, unlessMissing } from "./internal/askJetStream.ts"

/**
 * The number of messages that the stream holds under a pattern; 0 where there is no such stream.
 *
 * **Fails**: `NatsUnavailable` (retryable) without connection or answer, `RequestRefused` without the right.
 *
 * @stability stable
 */
export const storedUnder = (stream: string, pattern: string) =>
  askJetStream({
    operation: "storedUnder",
    what: `stream "${stream}"`,
    rights: "STREAM.INFO",
    ask: async ({ streams }) => {
      const found = await streams.info(stream, { subjects_filter: pattern }).catch(unlessMissing)
      return Object.values(found?.state.subjects ?? {}).reduce((sum, count) => sum + count, 0)
    }
  })
