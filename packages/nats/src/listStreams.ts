/**
 * Which streams there are, and whether anything happened in them.
 */
import { askJetStream } from "./internal/askJetStream.ts"

export interface ListedStream {
  readonly stream: string
  readonly lastSequence: number
  readonly consumers: number
}

/**
 * Every stream of the account: one question for 256 of them.
 *
 * **Fails**: `NatsUnavailable` (retryable) without connection or answer, `RequestRefused` without the right.
 *
 * @stability stable
 */
export const listStreams = () =>
  askJetStream({
    operation: "listStreams",
    what: "the streams of the account",
    rights: "STREAM.LIST",
    ask: async ({ streams }) => {
      const found: Array<ListedStream> = []
      for await (const { config, state } of streams.list()) {
        found.push({ stream: config.name, lastSequence: state.last_seq, consumers: state.consumer_count })
      }
      return found
    }
  })
