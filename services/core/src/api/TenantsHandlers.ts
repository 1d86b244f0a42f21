/**
 * What the tenants API does. Creating a tenant records the wish and waits a while for the registry to fulfil it.
 */
import { isTenantSlug } from "@bulkhead/channels"
import { type StorageError, TenantStore } from "@bulkhead/storage"
import type { Tenant } from "@bulkhead/tenancy"
import { Effect, Schedule } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { CoreConfig } from "../CoreConfig.ts"
import { TenantRegistry } from "../tenants/TenantRegistry.ts"
import { CoreApi } from "./CoreApi.ts"
import { TenantExistsProblem, TenantUnknownProblem, UnavailableProblem } from "./problems.ts"

/** A database that is away is the caller's business; whatever else it says is a fault of ours, and dies. */
const unavailable = (error: StorageError) =>
  error.isRetryable
    ? Effect.fail(
        new UnavailableProblem({
          detail: "PostgreSQL cannot be reached. Nothing was changed: send the same request again",
          dependency: "postgresql"
        })
      )
    : Effect.die(error)

const unknown = (slug: string) =>
  Effect.fail(
    new TenantUnknownProblem({ detail: `There is no tenant "${slug}". List them with GET /v1/tenants`, slug })
  )

export const TenantsHandlers = HttpApiBuilder.group(
  CoreApi,
  "tenants",
  Effect.fn(function* (handlers) {
    const config = yield* CoreConfig
    const store = yield* TenantStore
    const registry = yield* TenantRegistry

    /** The tenant as soon as it is active, or as it stands when the time is over. */
    const whenActive = (tenant: Tenant) =>
      Effect.map(registry.state(tenant.slug), (state) => state?.tenant ?? tenant).pipe(
        Effect.repeat({ schedule: Schedule.spaced("10 millis"), until: (current) => current.status === "active" }),
        Effect.timeoutOrElse({ duration: config.provisionWaitMs, orElse: () => Effect.succeed(tenant) })
      )

    return handlers.handleAll({
      create: Effect.fnUntraced(function* ({ payload }) {
        const tenant = yield* store.create(payload).pipe(
          Effect.catchReason("StorageError", "TenantExists", ({ slug }) =>
            Effect.fail(
              new TenantExistsProblem({ detail: `Tenant "${slug}" exists already. Choose another slug`, slug })
            )
          ),
          Effect.catchTag("StorageError", unavailable)
        )
        yield* registry.notify
        return yield* whenActive(tenant)
      }),
      list: () => store.list.pipe(Effect.catchTag("StorageError", unavailable)),
      get: ({ params: { slug } }) =>
        isTenantSlug(slug)
          ? store.get(slug).pipe(
              Effect.catchReason("StorageError", "TenantUnknown", () => unknown(slug)),
              Effect.catchTag("StorageError", unavailable)
            )
          : unknown(slug)
    })
  })
)
