/**
 * Questions to core's API, through the client that its definition makes. Whatever core or the way to it answers becomes
 * the one line and the exit code of a command.
 */
import { CoreApi } from "@bulkhead/core/api"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import type { CommandFailed } from "../CommandFailed.ts"
import { type CurrentContext, currentContext } from "../contexts/currentContext.ts"
import type { Settings } from "../Settings.ts"
import { coreFailure } from "./coreFailure.ts"
import { DryRun } from "./DryRun.ts"

/** Longer than core itself waits for what it was asked. */
const ANSWER_TIMEOUT_MS = 60_000

const bodyOf = ({ body }: HttpClientRequest.HttpClientRequest): unknown =>
  body._tag === "Uint8Array" ? JSON.parse(new TextDecoder().decode(body.body)) : undefined

/** Lets questions through and stops whatever would change something. The request has no host yet. */
const withoutChanges = (baseUrl: string) =>
  HttpClient.mapRequestEffect((request: HttpClientRequest.HttpClientRequest) => {
    if (request.method === "GET") return Effect.succeed(request)
    const url = `${baseUrl}${request.url}`
    const body = bodyOf(request)
    // The client's own type knows errors of the way to core only; `askCore` tells this one from them.
    return Effect.die(new DryRun({ method: request.method, url, ...(body === undefined ? {} : { body }) }))
  })

const clientOf = ({ url, token }: CurrentContext, isDryRun: boolean) =>
  HttpApiClient.make(CoreApi, {
    baseUrl: url,
    transformClient: (client) => {
      const authorized =
        token === undefined ? client : HttpClient.mapRequest(client, HttpClientRequest.bearerToken(token))
      return isDryRun ? withoutChanges(url)(authorized) : authorized
    }
  }).pipe(Effect.provide(FetchHttpClient.layer))

export type CoreClient = Effect.Success<ReturnType<typeof clientOf>>

/** Puts one question to core. */
export type AskCore = <A, E>(
  question: (core: CoreClient) => Effect.Effect<A, E>
) => Effect.Effect<A, CommandFailed | DryRun>

const askerFor = Effect.fnUntraced(function* (isDryRun: boolean) {
  const context = yield* currentContext
  const client = yield* clientOf(context, isDryRun)
  const ask: AskCore = (question) =>
    question(client).pipe(
      Effect.timeout(ANSWER_TIMEOUT_MS),
      Effect.catchDefect((defect) => (defect instanceof DryRun ? Effect.fail(defect) : Effect.die(defect))),
      Effect.mapError((error) => (error instanceof DryRun ? error : coreFailure(error, context)))
    )
  return ask
})

/** For commands that look. */
export const askCore: Effect.Effect<AskCore, CommandFailed, Settings> = askerFor(false)

/** For commands that change something: with `--dry-run` the change is shown in place of being sent. */
export const changeCore = (isDryRun: boolean): Effect.Effect<AskCore, CommandFailed, Settings> => askerFor(isDryRun)
