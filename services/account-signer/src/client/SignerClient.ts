/**
 * Asks the signer over NATS.
 */
import { Nats } from "@bulkhead/nats"
import { Context, Effect, Layer, Schema } from "effect"
import { Answer, OPERATIONS, type OperationName, type RequestOf, type ResponseOf, subjectOf } from "./protocol.ts"

/** Longer than the signer waits for servers, so that its own words arrive. */
const TIMEOUT_MS = 15_000

/** The signer did not do what it was asked. `unavailable` means: ask again later. */
export class SignerError extends Schema.TaggedError<SignerError>("@bulkhead/account-signer/SignerError")(
  "SignerError",
  {
    operation: Schema.String,
    kind: Schema.Literals(["invalid", "unknown", "refused", "unavailable"]),
    problem: Schema.String,
    cause: Schema.optional(Schema.Defect())
  }
) {
  get isRetryable(): boolean {
    return this.kind === "unavailable"
  }
  override get message(): string {
    return `account-signer, ${this.operation}: ${this.problem}`
  }
}

/** The operations of the signer. */
export class SignerClient extends Context.Service<
  SignerClient,
  {
    readonly ask: <Name extends OperationName>(
      name: Name,
      request: RequestOf<Name>
    ) => Effect.Effect<ResponseOf<Name>, SignerError>
  }
>()("@bulkhead/account-signer/SignerClient") {
  static readonly layer: Layer.Layer<SignerClient, never, Nats> = Layer.effect(
    SignerClient,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const nats = yield* Nats

  const ask = <Name extends OperationName>(
    name: Name,
    request: RequestOf<Name>
  ): Effect.Effect<ResponseOf<Name>, SignerError> =>
    Effect.gen(function* () {
      const failed = (kind: SignerError["kind"], problem: string, cause?: unknown) =>
        new SignerError({ operation: name, kind, problem, ...(cause === undefined ? {} : { cause }) })
      const operation: { readonly request: Schema.Codec<RequestOf<Name>, unknown> } = OPERATIONS[name] as never
      const payload = yield* Schema.encodeEffect(operation.request)(request).pipe(
        Effect.mapError((error) => failed("invalid", error.message))
      )
      const connection = yield* nats.connection.pipe(
        Effect.timeoutOrElse({
          duration: TIMEOUT_MS,
          orElse: () => Effect.fail(failed("unavailable", "NATS is away: it is tried again"))
        })
      )
      const reply = yield* Effect.tryPromise({
        try: () => connection.request(subjectOf(name), JSON.stringify(payload), { timeout: TIMEOUT_MS }),
        catch: (cause) =>
          failed("unavailable", `no answer. Check that account-signer runs and is ready (${cause})`, cause)
      })
      return yield* readAnswer(name, reply.json(), failed)
    }).pipe(Effect.withSpan(`SignerClient.${name}`))

  return SignerClient.of({ ask })
})

const readAnswer = <Name extends OperationName>(
  name: Name,
  json: unknown,
  failed: (kind: SignerError["kind"], problem: string) => SignerError
): Effect.Effect<ResponseOf<Name>, SignerError> =>
  Effect.gen(function* () {
    const { ok, problem } = yield* Schema.decodeUnknownEffect(Answer)(json)
    if (problem !== undefined) return yield* failed(problem.kind, problem.message)
    const operation: { readonly response: Schema.Codec<ResponseOf<Name>, unknown> } = OPERATIONS[name] as never
    return yield* Schema.decodeUnknownEffect(operation.response)(ok)
  }).pipe(
    Effect.catchTag("SchemaError", (error) =>
      Effect.fail(failed("unavailable", `an answer that is none of this version: ${error.message}`))
    )
  )
