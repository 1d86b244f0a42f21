/**
 * How work on one tenant's schema fails for a caller of the API.
 */
import { StorageError } from "@bulkhead/storage"
import { Effect } from "effect"
import { RefusedProblem, type TenantUnknownProblem, type UnavailableProblem } from "./problems.ts"
import { unavailable, unknownTenant } from "./tenantFailures.ts"

type Problem = RefusedProblem | TenantUnknownProblem | UnavailableProblem

const problemOf = (tenant: string, error: StorageError): Effect.Effect<never, Problem> => {
  switch (error.reason._tag) {
    case "TenantNotProvisioned":
      return unknownTenant(tenant)
    case "ReplayUnfinished":
      return Effect.fail(new RefusedProblem({ detail: error.reason.message }))
    default:
      return unavailable(error)
  }
}

export const schemaFailures =
  (tenant: string) =>
  <A, E, R>(work: Effect.Effect<A, E | StorageError, R>): Effect.Effect<A, Exclude<E, StorageError> | Problem, R> =>
    Effect.catch(
      work,
      (error): Effect.Effect<never, Exclude<E, StorageError> | Problem> =>
        error instanceof StorageError ? problemOf(tenant, error) : Effect.fail(error as Exclude<E, StorageError>)
    )
