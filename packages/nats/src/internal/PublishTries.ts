/**
 * Single tries to publish: a request, and the stream's acknowledgement or why there is none. A try ends as soon as it is
 * known to be in vain, which the client alone does not tell: when the connection is lost, and when the server refuses
 * the subject.
 */
import {
  errors,
  type MsgHdrs,
  type NatsConnection,
  type PermissionViolationError,
  type Status
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
  readonly kind: "no_stream" | "denied" | "full" | "unanswered"
  /** For people. */
  readonly problem: string
}

export interface Outgoing {
  readonly subject: string
  readonly data: Uint8Array
  readonly headers: MsgHdrs
}

interface PublishAnswer {
  readonly stream?: string
  readonly seq?: number
  readonly duplicate?: boolean
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description?: string }
}

/** Error codes of JetStream for no room: in the account, in the server's memory or store, in the stream. */
const FULL_CODES: ReadonlySet<number | undefined> = new Set([10_002, 10_023, 10_028, 10_047, 10_077])

/** A try under way. */
interface OpenTry {
  readonly subject: string
  readonly settle: (result: PublishAck | TryFailure) => void
}

export class PublishTries {
  readonly #open = new Set<OpenTry>()

  /** Publishes once and waits for the acknowledgement for `timeoutMs`. */
  publish(connection: NatsConnection, message: Outgoing, timeoutMs: number): Effect.Effect<PublishAck | TryFailure> {
    return Effect.callback<PublishAck | TryFailure>((resume) => {
      const settle = (result: PublishAck | TryFailure) => {
        if (this.#open.delete(open)) resume(Effect.succeed(result))
      }
      const open: OpenTry = { subject: message.subject, settle }
      this.#open.add(open)
      connection.request(message.subject, message.data, { timeout: timeoutMs, headers: message.headers }).then(
        (answer) => settle(readAnswer(answer.string())),
        (cause: unknown) => settle(failureOf(cause, timeoutMs))
      )
      return Effect.sync(() => this.#open.delete(open))
    })
  }

  /** Takes in what happens to the connection. */
  onStatus(status: Status): void {
    if (status.type === "disconnect" || status.type === "close") {
      const failure: TryFailure = { kind: "unanswered", problem: "the connection was lost" }
      for (const open of [...this.#open]) open.settle(failure)
    }
    if (status.type === "error" && status.error instanceof errors.PermissionViolationError) {
      this.#onViolation(status.error)
    }
  }

  #onViolation(violation: PermissionViolationError): void {
    if (violation.operation !== "publish") return
    const tries = [...this.#open]
    const same = tries.filter((open) => open.subject === violation.subject)
    // Where the account maps subjects, the server names the mapped one: the tenant's prefix before ours.
    const meant = same.length > 0 ? same : tries.filter((open) => violation.subject.endsWith(`.${open.subject}`))
    for (const open of meant) open.settle(denied(violation))
  }
}

const denied = (violation: PermissionViolationError): TryFailure => ({
  kind: "denied",
  problem: `the user may not ${violation.operation === "publish" ? "publish" : "subscribe"} to "${violation.subject}"`
})

const readAnswer = (text: string): PublishAck | TryFailure => {
  const answer = parseAnswer(text)
  if (answer?.error !== undefined) {
    const { code, err_code, description } = answer.error
    const problem = `${description ?? "refused"}, error ${err_code ?? code}`
    return { kind: FULL_CODES.has(err_code) ? "full" : "unanswered", problem }
  }
  if (answer?.stream === undefined || answer.seq === undefined) {
    return { kind: "unanswered", problem: "something else than a stream answered" }
  }
  return { stream: answer.stream, sequence: answer.seq, duplicate: answer.duplicate === true }
}

const parseAnswer = (text: string): PublishAnswer | undefined => {
  try {
    const answer: unknown = JSON.parse(text)
    return answer !== null && typeof answer === "object" ? answer : undefined
  } catch {
    return undefined
  }
}

const failureOf = (thrown: unknown, timeoutMs: number): TryFailure => {
  const cause = thrown instanceof errors.RequestError && thrown.cause !== undefined ? thrown.cause : thrown
  if (cause instanceof errors.NoRespondersError) return { kind: "no_stream", problem: "no stream takes it" }
  if (cause instanceof errors.PermissionViolationError) return denied(cause)
  if (cause instanceof errors.TimeoutError) {
    return { kind: "unanswered", problem: `no acknowledgement within ${timeoutMs} ms` }
  }
  return { kind: "unanswered", problem: cause instanceof Error ? cause.message || cause.name : String(cause) }
}
