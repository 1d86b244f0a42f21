/**
 * Every question and every change that a migration asks of JetStream goes through here, one at a time and each safe to
 * repeat: so a server that restarts is waited for in one place, and a test can end the tool between any two of them.
 */

import { Nats, sortFailure } from "@bulkhead/nats"
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream"
import type { NatsConnection } from "@nats-io/nats-core"
import { Context, Effect, Layer, Schedule } from "effect"
import { MigrationError, ServerRefused, ServerUnavailable } from "../MigrationError.ts"

/** What a question is asked with. */
export interface JetStreamApi {
  readonly manager: JetStreamManager
  readonly client: JetStreamClient
  readonly connection: NatsConnection
}

export interface Question<A> {
  /** What it is about, for people: `stream "events"`. */
  readonly what: string
  /** The rights below `$JS.API.` that it needs. */
  readonly rights: string
  readonly ask: (api: JetStreamApi) => Promise<A>
}

export class JetStreamAdmin extends Context.Service<
  JetStreamAdmin,
  { readonly ask: <A>(question: Question<A>) => Effect.Effect<A, MigrationError> }
>()("@bulkhead/migration/JetStreamAdmin") {
  static readonly layer: Layer.Layer<JetStreamAdmin, never, Nats> = Layer.effect(
    JetStreamAdmin,
    Effect.suspend(() => make)
  )
}

const CONNECT_WAIT = "5 seconds"
/** A server that restarts, or a cluster that elects a leader, is waited for this long. */
const PATIENCE = "2 minutes"

const again = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("2 seconds")]).pipe(
  Schedule.jittered,
  Schedule.upTo({ duration: PATIENCE })
)

const make = Effect.gen(function* () {
  const nats = yield* Nats

  const ask = <A>({ what, rights, ask: run }: Question<A>) => {
    const failed = (cause: unknown) => {
      const { kind, problem } = sortFailure(cause)
      const nextStep =
        kind === "forbidden"
          ? `give the user the rights to $JS.API.${rights}`
          : "compare with the streams and limits of the account"
      const reason =
        kind === "unavailable"
          ? new ServerUnavailable({ what, problem, cause })
          : new ServerRefused({ what, problem, nextStep, cause })
      return new MigrationError({ operation: "JetStreamAdmin.ask", reason })
    }
    return Effect.gen(function* () {
      const connection = yield* nats.connection.pipe(Effect.timeout(CONNECT_WAIT), Effect.mapError(failed))
      return yield* Effect.tryPromise({
        try: async () => {
          const manager = await jetstreamManager(connection, { checkAPI: false })
          return run({ manager, client: jetstream(connection), connection })
        },
        catch: failed
      })
    }).pipe(Effect.retry({ schedule: again, while: (error) => error.isRetryable }))
  }

  return JetStreamAdmin.of({ ask })
})
