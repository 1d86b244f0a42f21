/**
 * Bearer authentication of the control API: one operator token, compared in constant time.
 */
import { createHash, timingSafeEqual } from "node:crypto"
import { Effect, Layer, Redacted } from "effect"
import { HttpApiMiddleware, HttpApiSecurity } from "effect/http-api"
import { ApiToken } from "../CoreConfig.ts"
import { UnauthorizedProblem } from "./problems.ts"

export class Authorization extends HttpApiMiddleware.Service<Authorization>()("@bulkhead/core/Authorization", {
  security: { bearer: HttpApiSecurity.bearer },
  error: UnauthorizedProblem
}) {}

const digest = (token: Redacted.Redacted<string>) => createHash("sha256").update(Redacted.value(token)).digest()

export const AuthorizationLayer = Layer.effect(
  Authorization,
  Effect.gen(function* () {
    const expected = digest(yield* ApiToken)
    return Authorization.of({
      bearer: (app, { credential }) =>
        timingSafeEqual(digest(credential), expected)
          ? app
          : Effect.fail(
              new UnauthorizedProblem({
                detail:
                  'The bearer token is missing or wrong. Send "Authorization: Bearer <token>" with the token core was started with (CORE_API_TOKEN or CORE_API_TOKEN_FILE)'
              })
            )
    })
  })
)
