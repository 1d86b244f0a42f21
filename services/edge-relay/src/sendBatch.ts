/**
 * Sends messages to the platform's stream, all or none, with a mark behind them. The mark goes in only if the stream's
 * last mark of this relay is the one the relay knows of: so a batch that is in the stream already, because its
 * acknowledgement was lost, is refused as a whole, however long ago that was.
 */
import { sortFailure } from "@bulkhead/nats"
import type { StoredMsg } from "@nats-io/jetstream"
import { headers, type MsgHdrs, type NatsConnection, nuid } from "@nats-io/nats-core"

/** How a try ended. */
export type Outcome =
  /** The stream has them since now; `mark` is the sequence of the new mark. */
  | { readonly kind: "stored"; readonly mark: number }
  /** The stream's last mark of this relay is another; 0 when it has none. */
  | { readonly kind: "other-mark"; readonly mark: number }
  /** Nothing of this try is stored. Of a single message: no repeat overcomes it. */
  | { readonly kind: "refused"; readonly problem: string }
  /** Nobody knows whether they are stored. */
  | { readonly kind: "failed"; readonly problem: string }

const ACK_TIMEOUT_MS = 10_000

/** JetStream's error codes. */
const WRONG_LAST_SEQUENCE = 10_071
const MESSAGE_TOO_LARGE = 10_054
const ATOMIC_DISABLED = 10_174
/** Also where the stream refused a message of the batch: only that one's own answer would say why. */
const BATCH_INCOMPLETE = 10_176

interface Answer {
  readonly seq?: number
  readonly error?: { readonly err_code?: number; readonly description?: string }
}

/** The server's own headers stay behind: they say how to store a message, and that is done anew. */
const headersOf = (message: StoredMsg): MsgHdrs => {
  const kept = headers()
  for (const name of message.header?.keys() ?? []) {
    if (name.startsWith("Nats-")) continue
    for (const value of message.header.values(name)) kept.append(name, value)
  }
  return kept
}

const outcomeOf = ({ seq, error }: Answer, messages: number): Outcome => {
  if (error === undefined) return { kind: "stored", mark: seq ?? 0 }
  const problem = error.description ?? `error ${error.err_code}`
  if (error.err_code === WRONG_LAST_SEQUENCE) {
    const [, found] = /(\d+)$/.exec(problem) ?? []
    return found === undefined ? { kind: "failed", problem } : { kind: "other-mark", mark: Number(found) }
  }
  if (error.err_code === MESSAGE_TOO_LARGE || (error.err_code === BATCH_INCOMPLETE && messages > 1))
    return { kind: "refused", problem }
  const nextStep = error.err_code === ATOMIC_DISABLED ? ": let the platform's operator apply the plan of streams" : ""
  return { kind: "failed", problem: `${problem}${nextStep}` }
}

/**
 * Never fails: what went wrong is an outcome. `mark.known` is 0 before the first. Without messages it asks whether an
 * earlier try under the same mark is stored, and leaves a mark if not.
 */
export const sendBatch = async (
  connection: NatsConnection,
  messages: ReadonlyArray<StoredMsg>,
  mark: { readonly subject: string; readonly known: number }
): Promise<Outcome> => {
  const batch = nuid.next()
  const numbered = (to: MsgHdrs, at: number): MsgHdrs => {
    to.set("Nats-Batch-Id", batch)
    to.set("Nats-Batch-Sequence", String(at + 1))
    return to
  }
  const last = numbered(headers(), messages.length)
  last.set("Nats-Batch-Commit", "1")
  last.set("Nats-Expected-Last-Subject-Sequence", String(mark.known))
  try {
    for (const [at, message] of messages.entries()) {
      const numberedHeaders = numbered(headersOf(message), at)
      if (messages.length > 1) connection.publish(message.subject, message.data, { headers: numberedHeaders })
      else {
        const verdict = await connection.request(message.subject, message.data, {
          headers: numberedHeaders,
          timeout: ACK_TIMEOUT_MS
        })
        if (verdict.data.length > 0) return outcomeOf(verdict.json<Answer>(), 1)
      }
    }
    const answer = await connection.request(mark.subject, "", { headers: last, timeout: ACK_TIMEOUT_MS })
    return outcomeOf(answer.json<Answer>(), messages.length)
  } catch (error) {
    return { kind: "failed", problem: sortFailure(error).problem }
  }
}
