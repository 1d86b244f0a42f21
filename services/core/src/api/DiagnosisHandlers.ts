/**
 * What the diagnosis API does. The tenant's record is read where it can be; while PostgreSQL is away, what core knows of
 * it is enough to say so.
 */
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { diagnose } from "../diagnosis/diagnose.ts"
import { TenantRegistry } from "../tenants/TenantRegistry.ts"
import { CoreApi } from "./CoreApi.ts"
import { findTenant } from "./findTenant.ts"

export const DiagnosisHandlers = HttpApiBuilder.group(
  CoreApi,
  "diagnosis",
  Effect.fn(function* (handlers) {
    const registry = yield* TenantRegistry

    const recordOf = (slug: string) =>
      findTenant(slug).pipe(
        Effect.catchTag("UnavailableProblem", (problem) =>
          Effect.flatMap(registry.tenant(slug), (known) =>
            known === undefined ? Effect.fail(problem) : Effect.succeed(known)
          )
        )
      )

    return handlers.handleAll({
      get: ({ params }) => Effect.flatMap(recordOf(params.slug), diagnose)
    })
  })
)
