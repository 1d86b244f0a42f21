/**
 * What the isolation API does: it asks the signer, which alone may read claims.
 */
import { SignerClient, type SignerError } from "@bulkhead/account-signer/client"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { CoreConfig } from "../CoreConfig.ts"
import { CoreApi } from "./CoreApi.ts"
import { RefusedProblem, UnavailableProblem } from "./problems.ts"

const ACTOR = "api"

const problemOf = ({
  kind,
  message,
  problem
}: SignerError): Effect.Effect<never, UnavailableProblem | RefusedProblem> =>
  kind === "unavailable"
    ? Effect.fail(new UnavailableProblem({ detail: message, dependency: "account-signer" }))
    : Effect.fail(new RefusedProblem({ detail: problem }))

const withoutAccounts = new RefusedProblem({
  detail:
    "This installation keeps its tenants in one account (CORE_ACCOUNTS=none), where no server stands between them and " +
    "nothing can be proved: move it to accounts of their own"
})

export const IsolationHandlers = HttpApiBuilder.group(
  CoreApi,
  "isolation",
  Effect.fn(function* (handlers) {
    const signer = yield* SignerClient
    const { accounts } = yield* CoreConfig
    return handlers.handleAll({
      proof: () =>
        accounts === "none"
          ? Effect.fail(withoutAccounts)
          : signer.ask("prove-isolation", { actor: ACTOR }).pipe(Effect.catch(problemOf))
    })
  })
)
