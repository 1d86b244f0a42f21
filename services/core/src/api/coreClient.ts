import { Effect, type Redacted } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import { CoreApi } from "./CoreApi.ts"

/** A client of core's API, made from the API's definition. */
export const coreClient = (url: string, token: Redacted.Redacted<string>) =>
  HttpApiClient.make(CoreApi, {
    baseUrl: url,
    transformClient: HttpClient.mapRequest(HttpClientRequest.bearerToken(token))
  }).pipe(Effect.provide(FetchHttpClient.layer))

export type CoreClient = Effect.Success<ReturnType<typeof coreClient>>
