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

const DOT = ".".charCodeAt(0)
const ZERO = "0".charCodeAt(0)
const DOTS_SHORT_FORM = 8
const STREAM_SEQUENCE = 5
const TOKENS_ADDED = 2
const NANOS_IN_MS_DIGITS = 6

/** Plain loops instead of a split: it runs once a message, and a split makes a string for each token. */
export const parseDelivery = (reply: string): Delivery => {
  let dots = 0
  for (let index = 0; index < reply.length; index += 1) if (reply.charCodeAt(index) === DOT) dots += 1
  let token = STREAM_SEQUENCE + (dots === DOTS_SHORT_FORM ? 0 : TOKENS_ADDED)
  let index = 0
  for (; token > 0; index += 1) if (reply.charCodeAt(index) === DOT) token -= 1
  /** The next token, without its last `dropped` digits. */
  const next = (dropped = 0): number => {
    const dot = reply.indexOf(".", index)
    const end = dot === -1 ? reply.length : dot
    let value = 0
    for (; index < end - dropped; index += 1) value = value * 10 + (reply.charCodeAt(index) - ZERO)
    index = end + 1
    return value
  }
  const streamSequence = next()
  const deliverySequence = next()
  const storedAtMs = next(NANOS_IN_MS_DIGITS)
  return { streamSequence, deliverySequence, storedAtMs, pending: next() }
}
