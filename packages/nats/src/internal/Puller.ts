/**
 * Asks a consumer for messages, one request at a time, and checks that nothing is missing. It speaks the protocol
 * itself, because the client's own loop reads on after a loss, bounds messages or bytes but not both, and makes several
 * objects a message.
 */
import type { Msg, NatsConnection, PublishOptions, Subscription } from "@nats-io/nats-core"
import type { MsgImpl } from "@nats-io/nats-core/internal"
import {
  ConnectionLost,
  type ConsumeReason,
  ConsumerDeleted,
  ConsumerRefused,
  DeliveryGap,
  ServerSilent,
  SourceMissing
} from "../ConsumeError.ts"
import type { BatchBuffer } from "./BatchBuffer.ts"
import { DeliveredMessage } from "./DeliveredMessage.ts"
import { onEveryTick } from "./onEveryTick.ts"
import { parseDelivery } from "./parseDelivery.ts"

export interface PullerOptions {
  readonly stream: string
  readonly durable: string
  readonly rowsMax: number
  readonly bytesMax: number
  /** How often the server says that it is there while it has nothing to send. */
  readonly heartbeatMs: number
  /** A subject of our own; answers come below it. */
  readonly inbox: string
}

/** How long the server keeps a request open. */
const REQUEST_EXPIRES_MS = 60_000
/** The timer fires late in a busy process: silence is believed when it was seen as often as this. */
const SILENT_BEATS_MAX = 3

/** Status codes of the protocol. */
const HEARTBEAT = 100
const NO_MESSAGES = 404
const REQUEST_EXPIRED = 408
const CONFLICT = 409
const NO_RESPONDERS = 503
const TOO_LARGE = /message size exceeds maxbytes/i
const USED_UP = /message size exceeds maxbytes|batch completed/i

const nanos = (milliseconds: number) => milliseconds * 1_000_000

export class Puller {
  readonly #connection: NatsConnection
  readonly #options: PullerOptions
  readonly #buffer: BatchBuffer
  readonly #onFailure: (reason: ConsumeReason) => void
  readonly #requestSubject: string
  #subscription: Subscription | undefined
  #stopHeart: (() => void) | undefined
  #silentBeats = 0
  #isStopped = false

  /** The request under way. */
  #request = 0
  #isOpen = false
  #rowsLeft = 0
  #bytesLeft = 0
  #isEmptyHanded = true
  #nextIsAlone = false

  #lastDelivery = 0

  constructor(
    connection: NatsConnection,
    options: PullerOptions,
    buffer: BatchBuffer,
    onFailure: (reason: ConsumeReason) => void
  ) {
    this.#connection = connection
    this.#options = options
    this.#buffer = buffer
    this.#onFailure = onFailure
    this.#requestSubject = `$JS.API.CONSUMER.MSG.NEXT.${options.stream}.${options.durable}`
  }

  start(): void {
    this.#subscription = this.#connection.subscribe(`${this.#options.inbox}.*`, {
      callback: (error, message) => {
        if (error !== null) this.#fail(new ConnectionLost({ ...this.#names, problem: error.message }))
        else this.#receive(message)
      }
    })
    this.#stopHeart = onEveryTick(this.#options.heartbeatMs, () => this.#beat())
    this.pull()
  }

  stop(): void {
    this.#isStopped = true
    this.#stopHeart?.()
    if (!this.#connection.isClosed()) this.#subscription?.unsubscribe()
  }

  /** Asks for the next messages unless a request is open or a whole batch is waiting. */
  pull(): void {
    if (this.#isStopped || this.#isOpen || this.#buffer.isFull) return
    const { rowsMax, bytesMax, heartbeatMs, inbox } = this.#options
    const size = this.#nextIsAlone ? { batch: 1 } : { batch: rowsMax, max_bytes: bytesMax }
    this.#request += 1
    this.#isOpen = true
    this.#rowsLeft = size.batch
    this.#bytesLeft = this.#nextIsAlone ? Number.POSITIVE_INFINITY : bytesMax
    this.#nextIsAlone = false
    this.#isEmptyHanded = true
    this.#silentBeats = 0
    const request = { ...size, expires: nanos(REQUEST_EXPIRES_MS), idle_heartbeat: nanos(heartbeatMs) }
    this.#send(this.#requestSubject, JSON.stringify(request), { reply: `${inbox}.${this.#request}` })
  }

  /** Acknowledges the message and all before it, without waiting for the server. */
  acknowledge(message: DeliveredMessage): void {
    this.#send(message.reply, "+ACK")
  }

  #send(subject: string, payload: string, options: PublishOptions = {}): void {
    try {
      this.#connection.publish(subject, payload, options)
    } catch (error) {
      // The connection is being drained or closed, and its status has not come yet.
      this.#fail(new ConnectionLost({ ...this.#names, problem: String(error) }))
    }
  }

  /** Whether it asks on this subject, or listens on it. */
  uses(subject: string): boolean {
    return subject === this.#requestSubject || subject === `${this.#options.inbox}.*`
  }

  get #names() {
    return { stream: this.#options.stream, durable: this.#options.durable }
  }

  #fail(reason: ConsumeReason): void {
    if (this.#isStopped) return
    this.stop()
    this.#onFailure(reason)
  }

  #receive(message: Msg): void {
    if (this.#isStopped) return
    this.#silentBeats = 0
    // A status has no acknowledgement subject, and our inbox as its own.
    const { reply } = message
    if (reply) this.#receiveMessage(message as MsgImpl, reply)
    else this.#receiveStatus(message)
  }

  #receiveMessage(message: MsgImpl, reply: string): void {
    const delivery = parseDelivery(reply)
    const expected = this.#lastDelivery + 1
    if (delivery.deliverySequence !== expected) {
      this.#fail(new DeliveryGap({ ...this.#names, expected, observed: delivery.deliverySequence }))
      return
    }
    this.#lastDelivery = expected
    const stored = new DeliveredMessage(message, delivery)
    this.#buffer.push(stored)
    this.#isEmptyHanded = false
    this.#rowsLeft -= 1
    this.#bytesLeft -= stored.sizeBytes
    // The server ends a request that is used up to the last row or byte without a word.
    if (this.#rowsLeft <= 0 || this.#bytesLeft === 0) this.#closeRequest()
  }

  #receiveStatus(message: Msg): void {
    const code = message.headers?.code ?? 0
    const problem = `${code} ${message.headers?.description ?? ""}`.trim()
    if (code === HEARTBEAT) return
    if (code === NO_MESSAGES || code === REQUEST_EXPIRED || USED_UP.test(problem)) this.#endRequest(message, problem)
    else this.#fail(this.#reasonOf(code, problem))
  }

  #endRequest(status: Msg, problem: string): void {
    // Requests before the current one may still end, late.
    if (status.subject !== `${this.#options.inbox}.${this.#request}`) return
    // Without a message so far, the next one alone is larger than a batch: it comes alone.
    this.#nextIsAlone = this.#isEmptyHanded && TOO_LARGE.test(problem)
    this.#closeRequest()
  }

  #reasonOf(code: number, problem: string): ConsumeReason {
    const names = this.#names
    if (code === NO_RESPONDERS) return new ConsumerDeleted({ ...names, problem: "nobody answers for it" })
    if (code !== CONFLICT) return new ConsumerRefused({ ...names, problem })
    if (/consumer deleted/i.test(problem)) return new ConsumerDeleted({ ...names, problem })
    if (/stream deleted/i.test(problem)) return new SourceMissing({ ...names, problem })
    if (/exceeded max|push based/i.test(problem)) return new ConsumerRefused({ ...names, problem })
    // The server shuts down, or leadership moves.
    return new ConnectionLost({ ...names, problem })
  }

  #closeRequest(): void {
    this.#isOpen = false
    this.pull()
  }

  #beat(): void {
    if (!this.#isOpen) return
    this.#silentBeats += 1
    if (this.#silentBeats < SILENT_BEATS_MAX) return
    this.#fail(new ServerSilent({ ...this.#names, silentMs: this.#silentBeats * this.#options.heartbeatMs }))
  }
}
