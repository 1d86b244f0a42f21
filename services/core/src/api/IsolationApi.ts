/**
 * Whether the walls between tenants stand, computed from what the servers hold.
 */
import { IsolationProof } from "@bulkhead/account-signer/client"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { Authorization } from "./Authorization.ts"
import { RefusedProblem, UnavailableProblem } from "./problems.ts"

export class IsolationApi extends HttpApiGroup.make("isolation")
  .add(
    HttpApiEndpoint.get("proof", "/proof", {
      success: IsolationProof,
      error: [RefusedProblem, UnavailableProblem]
    }).annotate(
      OpenApi.Description,
      "Reads the claims of every account from the servers and computes who can publish to and read from whom. A leak is " +
        "a way from one tenant to another; a warning weakens a wall, or is only untidy."
    )
  )
  .prefix("/v1/isolation")
  .middleware(Authorization) {}
