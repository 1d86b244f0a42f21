/**
 * Puts results into the stream they came from, on the subject they came from and `.processed`; what rules failed on goes
 * whole to `.failed`. The message id is stream and sequence of the raw message, so that a repeat is stored once.
 */
import { Nats, type StreamMessage } from "@bulkhead/nats"
import { type RuleFailure, ruleFailureHeaders } from "@bulkhead/records"
import { jetstream } from "@nats-io/jetstream"
import { type MsgHdrs, headers as makeHeaders } from "@nats-io/nats-core"
import { Effect } from "effect"
import type { Decided } from "./decideBatch.ts"
import { failedSubject, processedSubject } from "./rawSubjects.ts"
import { attempt } from "./ZenError.ts"

const ACK_TIMEOUT_MS = 5_000
const TRIES = 3

/** What the server itself adds to a message, or acts on. */
const SERVERS_HEADER = /^nats-/i

const headersFor = (stream: string, { headers, sequence }: StreamMessage): MsgHdrs => {
  const kept = makeHeaders()
  for (const [name, value] of Object.entries(headers)) if (!SERVERS_HEADER.test(name)) kept.set(name, value)
  kept.set("Nats-Msg-Id", `${stream}:${sequence}`)
  return kept
}

const addFailure = (headers: MsgHdrs, failure: RuleFailure): MsgHdrs => {
  for (const [name, value] of Object.entries(ruleFailureHeaders(failure))) headers.set(name, value)
  return headers
}

interface Outgoing {
  readonly subject: string
  readonly data: Uint8Array
  readonly headers: MsgHdrs
}

/** The server counts subject and headers too. */
const HEADERS_BYTES = 8_192

const outgoing = (stream: string, { message, outcome }: Decided, bytesMax: number): Outgoing => {
  const headers = headersFor(stream, message)
  const failed = (failure: RuleFailure): Outgoing => ({
    subject: failedSubject(message.subject),
    data: message.data,
    headers: addFailure(headers, failure)
  })
  if ("failure" in outcome) return failed(outcome.failure)
  const bytes = outcome.data.byteLength
  if (bytes + HEADERS_BYTES > bytesMax && bytes > message.data.byteLength) {
    const detail = `the result has ${bytes} bytes, the server takes ${bytesMax} with headers: make the rules add less`
    return failed({ rule: undefined, revision: undefined, reason: "rule_result_unusable", detail })
  }
  return { subject: processedSubject(message.subject), data: outcome.data, headers }
}

/** Done when the stream has acknowledged all of them; they are stored in their order. */
export const publishDecided = Effect.fnUntraced(function* (stream: string, decided: ReadonlyArray<Decided>) {
  const connection = yield* (yield* Nats).connection
  const client = jetstream(connection)
  const bytesMax = connection.info?.max_payload ?? Number.POSITIVE_INFINITY
  yield* Effect.tryPromise({
    try: () =>
      Promise.all(
        decided.map((one) => {
          const { subject, data, headers } = outgoing(stream, one, bytesMax)
          return client.publish(subject, data, { headers, timeout: ACK_TIMEOUT_MS, retries: TRIES })
        })
      ),
    catch: attempt("publishDecided")
  })
})
