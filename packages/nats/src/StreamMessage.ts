/**
 * One message as a stream stores it. Headers and time are decoded when asked for: most readers look at few of them.
 */
import type { MsgImpl } from "@nats-io/nats-core/internal"
import type { Delivery } from "./internal/parseDelivery.ts"

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({})

export class StreamMessage {
  /** Its place in the stream. */
  readonly sequence: number
  readonly subject: string
  readonly data: Uint8Array
  /** Subject, headers, payload and reply subject: what the server counts against the bytes of a request. */
  readonly sizeBytes: number
  /** Where its acknowledgement goes. */
  readonly reply: string
  readonly #message: MsgImpl
  readonly #storedAtMs: number

  constructor(message: MsgImpl, delivery: Delivery) {
    this.sequence = delivery.streamSequence
    this.subject = message.subject
    this.data = message.data
    this.sizeBytes = message.size()
    this.reply = message.reply
    this.#message = message
    this.#storedAtMs = delivery.storedAtMs
  }

  /** By name as sent; values of a repeated name are joined by ", ". */
  get headers(): Readonly<Record<string, string>> {
    const headers = this.#message.headers
    if (headers === undefined) return NO_HEADERS
    return Object.fromEntries(headers.keys().map((name) => [name, headers.values(name).join(", ")]))
  }

  /** When the stream took it. */
  get timestamp(): Date {
    return new Date(this.#storedAtMs)
  }
}
