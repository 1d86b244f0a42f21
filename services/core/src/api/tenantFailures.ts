/**
 * How questions about tenants fail for a caller of the API.
 */
import type { StorageError } from "@bulkhead/storage"
import { Effect } from "effect"
import { TenantUnknownProblem, UnavailableProblem } from "./problems.ts"

/** A database that is away is the caller's business; whatever else it says is a fault of ours, and dies. */
export const unavailable = (error: StorageError) =>
  error.isRetryable
    ? Effect.fail(
        new UnavailableProblem({
          detail: "PostgreSQL cannot be reached. Nothing was changed: send the same request again",
          dependency: "postgresql"
        })
      )
    : Effect.die(error)

/** The answer for a slug that no tenant has. */
export const unknownTenant = (slug: string) =>
  Effect.fail(
    new TenantUnknownProblem({ detail: `There is no tenant "${slug}". List them with GET /v1/tenants`, slug })
  )
