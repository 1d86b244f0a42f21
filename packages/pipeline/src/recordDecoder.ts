/**
 * The decoder of a lane that writes every kind of record: the base subject of a message says which kind it is.
 */
import { baseOffset, NO_BASE, subjectMatches } from "@bulkhead/channels"
import { READERS, type StoredLogs } from "@bulkhead/nats"
import {
  DecodeError,
  type Decoder,
  logDecoder,
  metricDecoder,
  ocsfEventDecoder,
  type ReceivedMessage,
  ruleFailureOf,
  sweepDecoder,
  timeseriesDecoder,
  traceDecoder
} from "@bulkhead/records"

/** A message as its publisher named it. What a message has is read from its frame only when somebody asks. */
class BaseMessage implements ReceivedMessage {
  readonly #message: ReceivedMessage
  readonly subject: string

  constructor(message: ReceivedMessage, subject: string) {
    this.#message = message
    this.subject = subject
  }

  get headers(): ReceivedMessage["headers"] {
    return this.#message.headers
  }

  get data(): Uint8Array {
    return this.#message.data
  }

  get timestamp(): Date {
    return this.#message.timestamp
  }
}

const OTEL: Readonly<Record<string, Decoder>> = {
  "otel.logs": logDecoder,
  "otel.metrics": metricDecoder,
  "otel.metrics.raw": metricDecoder,
  "otel.traces": traceDecoder
}

/** By root. Flows, also those under `events`, are another service's. */
const KINDS: Readonly<Record<string, (base: string) => Decoder | undefined>> = {
  events: (base) => (base === "events.netflow" ? undefined : ocsfEventDecoder),
  // What decision rules failed on is kept whole, and no row.
  logs: (base) => (base.endsWith(".failed") ? ruleFailureOf : logDecoder),
  otel: (base) => OTEL[base],
  sweep: () => sweepDecoder,
  telemetry: () => timeseriesDecoder
}

const baseOf = (subject: string): string => {
  const offset = baseOffset(subject)
  return offset === NO_BASE ? subject : subject.slice(offset)
}

const FLOWS: ReadonlyArray<string> = READERS.netflowConsumer.patterns

const kindOf = (base: string): Decoder | undefined => KINDS[base.slice(0, base.indexOf("."))]?.(base)

/** Whether it comes from decision rules. */
const isDecided = (base: string): boolean => base.endsWith(".processed") || base.endsWith(".failed")

const isLeftOut = (base: string, logs: StoredLogs): boolean =>
  base.startsWith("logs.") && isDecided(base) !== (logs === "processed")

/**
 * Decodes each message by the kind that its subject names; it sees the base subject. A message that is another service's,
 * or a log in the form that is not stored, gives no row.
 *
 * @stability stable
 */
export const recordDecoder =
  (logs: StoredLogs): Decoder =>
  (message, rows) => {
    const subject = baseOf(message.subject)
    return isLeftOut(subject, logs) ? undefined : kindOf(subject)?.(new BaseMessage(message, subject), rows)
  }

const isFlow = (base: string): boolean => FLOWS.some((pattern) => subjectMatches(pattern, base))

/**
 * The same for dead letters that are tried again: whatever is there was to be stored when it came, so nothing is passed
 * over. `flows` decodes what netflow-consumer had to set aside.
 *
 * @stability stable
 */
export const letterDecoder =
  (flows: Decoder): Decoder =>
  (message, rows) => {
    const subject = baseOf(message.subject)
    const decode = isFlow(subject) ? flows : kindOf(subject)
    if (decode !== undefined) return decode(new BaseMessage(message, subject), rows)
    return new DecodeError(
      "invalid_field",
      "$",
      `a message of "${subject}" is not tried again here: its own service does`
    )
  }
