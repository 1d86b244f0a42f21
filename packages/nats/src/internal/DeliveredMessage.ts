/**
 * A message as the server delivered it. Headers and time are decoded when asked for: most readers look at few of them.
 */
import type { MsgImpl } from "@nats-io/nats-core/internal"
import type { StreamMessage } from "../StreamMessage.ts"
import type { Delivery } from "./parseDelivery.ts"

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({})

export class DeliveredMessage implements StreamMessage {
  readonly sequence: number
  readonly subject: string
  readonly data: Uint8Array
  /** Subject, headers, payload and reply subject: what the server counts against the bytes of a request. */
  readonly sizeBytes: number
  /** Where its acknowledgement goes. */
  readonly reply: string
  readonly storedAtMs: number
  readonly #message: MsgImpl

  constructor(message: MsgImpl, delivery: Delivery) {
    this.sequence = delivery.streamSequence
    this.subject = message.subject
    this.data = message.data
    this.sizeBytes = message.size()
    this.reply = message.reply
    this.storedAtMs = delivery.storedAtMs
    this.#message = message
  }

  get headers(): Readonly<Record<string, string>> {
    const headers = this.#message.headers
    if (headers === undefined) return NO_HEADERS
    return Object.fromEntries(headers.keys().map((name) => [name, headers.values(name).join(", ")]))
  }

  get timestamp(): Date {
    return new Date(this.storedAtMs)
  }
}
