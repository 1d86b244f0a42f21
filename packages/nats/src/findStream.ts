/**
 * Looks at a stream that somebody else makes.
 */

import { askJetStream, unlessMissing } from "./internal/askJetStream.ts"
import type { StreamIncarnation } from "./streams/ensureStream.ts"

/** A stream as it stands. */
export interface FoundStream extends StreamIncarnation {
  readonly subjects: ReadonlyArray<string>
}

/**
 * The stream, or undefined where there is none.
 *
 * **Fails**: `NatsUnavailable` (retryable) without connection or answer, `RequestRefused` without the right.
 *
 * @stability stable
 */
export const findStream = (stream: string) =>
  askJetStream({
    operation: "findStream",
    what: `stream "${stream}"`,
    rights: "STREAM.INFO",
    ask: async ({ streams }): Promise<FoundStream | undefined> => {
      const found = await streams.info(stream).catch(unlessMissing)
      if (found === undefined) return undefined
      const { config, created, state } = found
      return { stream: config.name, createdAt: created, lastSequence: state.last_seq, subjects: config.subjects }
    }
  })
