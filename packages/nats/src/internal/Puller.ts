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
import { PullBudget } from "./PullBudget.ts"
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

/** The server's own default. */
const MAX_PAYLOAD = 1024 * 1024

interface RequestSize {
  readonly batch: number
  readonly max_bytes?: number
}

const nanos = (milliseconds: number) => milliseconds * 1_000_000

export class Puller {
  readonly #connection: NatsConnection
  readonly #options: PullerOptions
  readonly #buffer: BatchBuffer
  readonly #onFailure: (reason: ConsumeReason) => void
  readonly #requestSubject: string
  readonly #budget: PullBudget
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
  #granted = 0
  #stopWaiting: (() => void) | undefined

  #lastDelivery = 0
  #pending = 0
  #lastBytes = 0

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
    this.#budget = PullBudget.of(connection)
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
    this.#budget.enter()
    this.pull()
  }

  stop(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#stopHeart?.()
    this.#stopWaiting?.()
    this.#budget.leave()
    this.#release()
    if (!this.#connection.isClosed()) this.#subscription?.unsubscribe()
  }

  /** How many messages the server held back when it sent the last one. */
  get pending(): number {
    return this.#pending
  }

  /** Asks for the next messages unless a request is open or a whole batch is waiting. */
  pull(): void {
    if (this.#isStopped || this.#isOpen || this.#buffer.isFull) return
    const size = this.#nextIsAlone ? this.#sizeOfOne() : this.#size()
    if (size === undefined) return
    const { heartbeatMs, inbox } = this.#options
    this.#request += 1
    this.#isOpen = true
    this.#rowsLeft = size.batch
    this.#bytesLeft = size.max_bytes ?? Number.POSITIVE_INFINITY
    this.#nextIsAlone = false
    this.#isEmptyHanded = true
    this.#silentBeats = 0
    const request = { ...size, expires: nanos(REQUEST_EXPIRES_MS), idle_heartbeat: nanos(heartbeatMs) }
    this.#send(this.#requestSubject, JSON.stringify(request), { reply: `${inbox}.${this.#request}` })
  }

  /**
   * As much as waits, if the budget has it. Such a request is used up at once, so that what it was granted goes back;
   * one that waits for messages to come asks for the reader's share.
   */
  #size(): RequestSize {
    const { rowsMax, bytesMax } = this.#options
    const waiting = this.#pending * this.#lastBytes
    this.#granted = this.#pending === 0 ? 0 : this.#budget.take(Math.min(bytesMax, waiting))
    if (this.#granted === 0) return { batch: rowsMax, max_bytes: Math.min(bytesMax, this.#budget.share) }
    return { batch: Math.min(rowsMax, this.#pending), max_bytes: this.#granted }
  }

  /** A single message, which may be as large as any; where the budget has no room for it, it is asked for later. */
  #sizeOfOne(): RequestSize | undefined {
    const largest = this.#connection.info?.max_payload ?? MAX_PAYLOAD
    this.#granted = this.#budget.take(Math.max(largest, this.#budget.share + 1))
    if (this.#granted > 0) return { batch: 1 }
    this.#stopWaiting ??= this.#budget.whenRoom(() => {
      this.#stopWaiting = undefined
      this.pull()
    })
    return undefined
  }

  #release(): void {
    const granted = this.#granted
    this.#granted = 0
    this.#budget.giveBack(granted)
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
    this.#pending = delivery.pending
    const stored = new DeliveredMessage(message, delivery)
    this.#buffer.push(stored)
    this.#isEmptyHanded = false
    this.#rowsLeft -= 1
    this.#lastBytes = stored.sizeBytes
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
    // What was said to wait is gone.
    if (this.#isEmptyHanded && !this.#nextIsAlone) this.#pending = 0
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
    this.#release()
    this.pull()
  }

  #beat(): void {
    if (!this.#isOpen) return
    this.#silentBeats += 1
    if (this.#silentBeats < SILENT_BEATS_MAX) return
    this.#fail(new ServerSilent({ ...this.#names, silentMs: this.#silentBeats * this.#options.heartbeatMs }))
  }
}
