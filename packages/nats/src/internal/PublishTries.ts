/**
 * Single tries to publish: a message with a reply subject of its own, and the stream's acknowledgement or why there is
 * none. A try ends as soon as it is known to be in vain: when the connection is lost, when nobody takes the subject, and
 * when the server refuses it. It speaks the protocol itself, because the client's requests make an error with a stack
 * trace for each answer, also for good ones.
 */
import {
  createInbox,
  errors,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type PermissionViolationError,
  type Status,
  type Subscription
} from "@nats-io/nats-core"
import { Effect } from "effect"

/** Where a message is stored. */
export interface PublishAck {
  readonly stream: string
  readonly sequence: number
  /** Whether the stream had a message of this id already. */
  readonly duplicate: boolean
}

/** Why a try failed. */
export interface TryFailure {
  readonly kind: "no_stream" | "denied" | "refused" | "full" | "unanswered"
  /** For people. */
  readonly problem: string
}

export interface Outgoing {
  readonly subject: string
  readonly data: Uint8Array
  readonly headers: MsgHdrs
  /** What the server counts against its `max_payload`. */
  readonly bytes: number
}

interface PublishAnswer {
  readonly stream?: string
  readonly seq?: number
  readonly duplicate?: boolean
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description?: string }
}

/** Error codes of JetStream for no room: in the account, in the server's memory or store, in the stream. */
const FULL_CODES: ReadonlySet<number | undefined> = new Set([10_002, 10_023, 10_028, 10_047, 10_077])

/** Status code of the protocol. */
const NO_RESPONDERS = 503

/** Status of an error that the message itself causes: no repeat overcomes it. */
const BAD_REQUEST = 400

/** A try under way. */
interface OpenTry {
  readonly subject: string
  readonly settle: (result: PublishAck | TryFailure) => void
}

export class PublishTries {
  /** By the last token of the reply subject. */
  readonly #open = new Map<string, OpenTry>()
  readonly #inbox: string
  #count = 0
  #answers: Subscription | undefined

  constructor(inboxPrefix: string) {
    this.#inbox = createInbox(inboxPrefix)
  }

  /** Publishes once and waits for the acknowledgement for `timeoutMs`. */
  publish(connection: NatsConnection, message: Outgoing, timeoutMs: number): Effect.Effect<PublishAck | TryFailure> {
    return Effect.callback<PublishAck | TryFailure>((resume) => {
      const { subject, data, headers } = message
      this.#count += 1
      const token = String(this.#count)
      const forget = () => {
        clearTimeout(timer)
        return this.#open.delete(token)
      }
      const settle = (result: PublishAck | TryFailure) => {
        if (forget()) resume(Effect.succeed(result))
      }
      const timer = setTimeout(() => settle(unanswered(`no acknowledgement within ${timeoutMs} ms`)), timeoutMs)
      this.#open.set(token, { subject, settle })
      try {
        this.#answers ??= this.#listen(connection)
        connection.publish(subject, data, { headers, reply: `${this.#inbox}.${token}` })
      } catch (error) {
        // The connection is being drained or closed.
        settle(unanswered(String(error)))
      }
      return Effect.sync(forget)
    })
  }

  /** Takes in what happens to the connection. */
  onStatus(status: Status): void {
    if (status.type === "disconnect" || status.type === "close") {
      for (const open of [...this.#open.values()]) open.settle(unanswered("the connection was lost"))
    }
    if (status.type === "error" && status.error instanceof errors.PermissionViolationError) {
      this.#onViolation(status.error)
    }
  }

  #listen(connection: NatsConnection): Subscription {
    return connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, answer) => {
        if (error === null) this.#open.get(answer.subject.slice(this.#inbox.length + 1))?.settle(readAnswer(answer))
      }
    })
  }

  #onViolation(violation: PermissionViolationError): void {
    const tries = [...this.#open.values()]
    if (violation.operation === "subscription") {
      if (violation.subject !== `${this.#inbox}.*`) return
      // The client has dropped the subscription: the next try asks for it again, and the user may have the right by then.
      this.#answers = undefined
      for (const open of tries) open.settle(denied(violation))
      return
    }
    const same = tries.filter((open) => open.subject === violation.subject)
    // Where the account maps subjects, the server names the mapped one: the tenant's prefix before ours.
    const meant = same.length > 0 ? same : tries.filter((open) => violation.subject.endsWith(`.${open.subject}`))
    for (const open of meant) open.settle(denied(violation))
  }
}

const unanswered = (problem: string): TryFailure => ({ kind: "unanswered", problem })

const denied = (violation: PermissionViolationError): TryFailure => ({
  kind: "denied",
  problem: `the user may not ${violation.operation === "publish" ? "publish" : "subscribe"} to "${violation.subject}"`
})

const readAnswer = (message: Msg): PublishAck | TryFailure => {
  if (message.headers?.code === NO_RESPONDERS) return { kind: "no_stream", problem: "no stream takes it" }
  const answer = parseAnswer(message)
  if (answer?.error !== undefined) {
    const { code, err_code, description } = answer.error
    const problem = `${description ?? "refused"}, error ${err_code ?? code}`
    if (FULL_CODES.has(err_code)) return { kind: "full", problem }
    return code === BAD_REQUEST ? { kind: "refused", problem } : unanswered(problem)
  }
  if (answer?.stream === undefined || answer.seq === undefined) {
    return unanswered("something else than a stream answered")
  }
  return { stream: answer.stream, sequence: answer.seq, duplicate: answer.duplicate === true }
}

const parseAnswer = (message: Msg): PublishAnswer | undefined => {
  try {
    const answer: unknown = JSON.parse(message.string())
    return answer !== null && typeof answer === "object" ? answer : undefined
  } catch {
    return undefined
  }
}
