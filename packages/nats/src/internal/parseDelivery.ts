/**
 * Reads what the server says of a delivery in its reply subject:
 * `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.<delivery sequence>.<nanoseconds>.<pending>`, and in the
 * newer form with domain and account behind `$JS.ACK`.
 */
export interface Delivery {
  readonly streamSequence: number
  /** Counts the consumer's deliveries from 1, without gaps. */
  readonly deliverySequence: number
  readonly storedAtMs: number
  /** Messages that wait for the consumer behind this one. */
  readonly pending: number
}

const TOKENS_SHORT_FORM = 9
const STREAM_SEQUENCE = 5
const TOKENS_ADDED = 2

export const parseDelivery = (reply: string): Delivery => {
  const tokens = reply.split(".")
  const at = STREAM_SEQUENCE + (tokens.length === TOKENS_SHORT_FORM ? 0 : TOKENS_ADDED)
  return {
    streamSequence: Number(tokens[at]),
    deliverySequence: Number(tokens[at + 1]),
    storedAtMs: Math.floor(Number(tokens[at + 2]) / 1_000_000),
    pending: Number(tokens[at + 3])
  }
}
