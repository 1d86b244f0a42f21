/**
 * Answers requests on NATS. Whoever may publish on the signer's subjects may ask: the server's permissions say who.
 */

import type { Msg, NatsConnection } from "@nats-io/nats-core"
import { Effect, FiberSet, Layer, Result, Schema } from "effect"
import { Accounts, type AccountsError } from "./Accounts.ts"
import { OPERATIONS, type OperationName, SIGNER_SUBJECT, type SignerProblem } from "./client/protocol.ts"
import { PlatformNats } from "./connections.ts"
import { SignerMetrics } from "./SignerMetrics.ts"

const QUEUE = "account-signer"

/** An operation without its types: each was checked against its schemas where `Accounts` was made. */
interface AnyOperation {
  readonly request: Schema.Codec<unknown, unknown>
  readonly response: Schema.Codec<unknown, unknown>
  readonly run: (request: unknown) => Effect.Effect<unknown, AccountsError>
}

const isOperation = (name: string): name is OperationName => Object.hasOwn(OPERATIONS, name)

const problemOf = (error: AccountsError): SignerProblem => ({
  kind: error._tag === "RequestRefused" ? error.kind : error.isRetryable ? "unavailable" : "refused",
  message: error.message
})

const invalid = (message: string): SignerProblem => ({ kind: "invalid", message })

const make = Effect.gen(function* () {
  const accounts = yield* Accounts
  const nats = yield* PlatformNats
  const metrics = yield* SignerMetrics
  const operations = Object.fromEntries(
    Object.entries(OPERATIONS).map(([name, schemas]) => [name, { ...schemas, run: accounts[name as OperationName] }])
  ) as unknown as Readonly<Record<OperationName, AnyOperation>>

  const answerTo = Effect.fnUntraced(function* (name: string, data: Uint8Array) {
    if (!isOperation(name)) {
      const known = Object.keys(OPERATIONS).join(", ")
      return { problem: invalid(`there is no operation "${name}". Those that are: ${known}`) }
    }
    const { request, response, run } = operations[name]
    const decoded = yield* Effect.result(
      Effect.flatMap(
        Effect.try({ try: () => JSON.parse(new TextDecoder().decode(data)) as unknown, catch: String }),
        Schema.decodeUnknownEffect(request)
      )
    )
    if (Result.isFailure(decoded)) return { problem: invalid(String(decoded.failure)) }
    return yield* run(decoded.success).pipe(
      Effect.flatMap((value) => Schema.encodeEffect(response)(value).pipe(Effect.orDie)),
      Effect.map((ok) => ({ ok })),
      Effect.catch((error) =>
        Effect.as(Effect.logWarning(`${name} was not done`, { problem: error.message }), { problem: problemOf(error) })
      )
    )
  })

  const handle = Effect.fnUntraced(function* (message: Msg) {
    const name = message.subject.slice(SIGNER_SUBJECT.length + 1)
    const answer: { readonly ok?: unknown; readonly problem?: SignerProblem } = yield* answerTo(
      name,
      message.data
    ).pipe(
      Effect.catchDefect((defect) =>
        Effect.as(Effect.logError(`${name} met a defect`, defect), {
          problem: { kind: "unavailable" as const, message: "an unforeseen failure: see the signer's log" }
        })
      )
    )
    metrics.answered(isOperation(name) ? name : "unknown", answer.problem?.kind ?? "ok")
    message.respond(JSON.stringify(answer))
  })

  const runFork = yield* FiberSet.makeRuntime()
  const subscribe = (connection: NatsConnection) =>
    connection.subscribe(`${SIGNER_SUBJECT}.*`, {
      queue: QUEUE,
      callback: (error, message) => {
        if (error === null) runFork(handle(message))
      }
    })

  // A subscription outlives reconnects, so it is made once. Waiting for the connection must stay interruptible.
  yield* Effect.flatMap(nats.connection, (connection) =>
    Effect.acquireRelease(
      Effect.sync(() => subscribe(connection)),
      (subscription) => Effect.sync(() => subscription.unsubscribe())
    )
  ).pipe(Effect.forkScoped)
})

export const SignerApi = Layer.effectDiscard(make)
