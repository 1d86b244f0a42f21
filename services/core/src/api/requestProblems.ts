/**
 * Requests that are refused before any endpoint sees them get a problem too, instead of an empty answer.
 */
import { Cause, Effect } from "effect"
import { HttpRouter, HttpServerError, HttpServerRespondable } from "effect/http"
import { BodyTooLargeProblem, RouteUnknownProblem } from "./problems.ts"

/** The largest is a rule, or messages to try rules on; whoever sends more is mistaken or worse. */
export const REQUEST_BYTES_MAX = 512 * 1024

const problemOf = (cause: Cause.Cause<unknown>) => {
  const error = Cause.squash(cause)
  if (!HttpServerError.isHttpServerError(error)) return undefined
  if (error.reason._tag === "RouteNotFound") {
    return new RouteUnknownProblem({ detail: "There is no such route. The routes are listed at /docs" })
  }
  if (error.reason._tag !== "RequestParseError" || error.reason.reason !== "BodyTooLarge") return undefined
  const detail = `The request body exceeds the limit of ${REQUEST_BYTES_MAX} bytes. Send less`
  return new BodyTooLargeProblem({ detail, bytesMax: REQUEST_BYTES_MAX })
}

export const RequestProblems = HttpRouter.middleware(
  (app) =>
    Effect.catchCause(app, (cause) => {
      const problem = problemOf(cause)
      return problem === undefined ? Effect.failCause(cause) : HttpServerRespondable.toResponse(problem)
    }),
  { global: true }
)
