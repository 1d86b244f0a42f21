/**
 * One question to JetStream, with the failures of all our questions: no answer, or a refusal that says what to grant.
 */
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream"
import { Effect } from "effect"
import { Nats } from "../Nats.ts"
import { NatsError, NatsUnavailable, RequestRefused } from "../NatsError.ts"
import { sortFailure } from "./sortFailure.ts"

const CONNECT_WAIT = "5 seconds"

export interface JetStreamQuestion<A> {
  readonly operation: string
  /** What it is about, for people: `stream "events"`. */
  readonly what: string
  /** The rights below `$JS.API.` that it needs. */
  readonly rights: string
  readonly ask: (manager: JetStreamManager) => Promise<A>
}

export const askJetStream = <A>({ operation, what, rights, ask }: JetStreamQuestion<A>) => {
  const failed = (cause: unknown) => {
    const { kind, problem } = sortFailure(cause)
    const nextStep = `give the user the rights to $JS.API.${rights}`
    const reason =
      kind === "unavailable"
        ? new NatsUnavailable({ problem: `${what}: ${problem}`, cause })
        : new RequestRefused({ what, problem, nextStep, cause })
    return new NatsError({ operation, reason })
  }
  return Effect.gen(function* () {
    const nats = yield* Nats
    const connection = yield* nats.connection.pipe(Effect.timeout(CONNECT_WAIT), Effect.mapError(failed))
    return yield* Effect.tryPromise({
      try: async () => ask(await jetstreamManager(connection, { checkAPI: false })),
      catch: failed
    })
  }).pipe(Effect.withSpan(operation))
}

/** Gives undefined where the stream or the consumer is not there. */
export const unlessMissing = (error: unknown): undefined => {
  const { kind } = sortFailure(error)
  if (kind === "stream_missing" || kind === "consumer_missing") return undefined
  throw error
}
