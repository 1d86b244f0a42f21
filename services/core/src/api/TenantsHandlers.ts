/**
 * What the tenants API does. It records what is wished, and waits a while for the registry to fulfil it.
 */
import { DEFAULT_TENANT, isTenantSlug, type TenantSlug } from "@bulkhead/channels"
import { type StorageError, TenantStore, type TenantTerms, type TenantWish } from "@bulkhead/storage"
import type { Tenant } from "@bulkhead/tenancy"
import { Effect, Schedule, Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { CoreConfig } from "../CoreConfig.ts"
import { limitProblem } from "../quotas/limitProblem.ts"
import { limitsInForce } from "../quotas/limitsInForce.ts"
import { TenantRegistry } from "../tenants/TenantRegistry.ts"
import { CoreApi } from "./CoreApi.ts"
import { ErasureReport } from "./ErasureReport.ts"
import { findTenant } from "./findTenant.ts"
import { LimitRefusedProblem, RefusedProblem, TenantExistsProblem } from "./problems.ts"
import { unavailable, unknownTenant } from "./tenantFailures.ts"

/** Every way in which a change of a tenant that exists can fail. */
const changeFailures = <A, R>(slug: string, change: Effect.Effect<A, StorageError, R>) =>
  change.pipe(
    Effect.catchReason("StorageError", "TenantUnknown", () => unknownTenant(slug)),
    Effect.catchReason("StorageError", "TenantDeleting", (reason) =>
      Effect.fail(new RefusedProblem({ detail: reason.message }))
    ),
    Effect.catchTag("StorageError", unavailable)
  )

const isSettled = (tenant: Tenant): boolean =>
  tenant.appliedGeneration >= tenant.generation && tenant.status !== "provisioning"

const decodeReport = Schema.decodeUnknownSync(ErasureReport)

export const TenantsHandlers = HttpApiBuilder.group(
  CoreApi,
  "tenants",
  Effect.fn(function* (handlers) {
    const config = yield* CoreConfig
    const store = yield* TenantStore
    const registry = yield* TenantRegistry
    const limitsFor = (tenant: Tenant) => limitsInForce(tenant).pipe(Effect.provideService(CoreConfig, config))
    const lookAgain = Schedule.spaced("10 millis")

    /** The tenant as soon as what was asked for is in force, or as it stands when the time is over. */
    const whenSettled = (tenant: Tenant) =>
      Effect.map(registry.tenant(tenant.slug), (known) =>
        known !== undefined && known.id === tenant.id && known.generation >= tenant.generation ? known : tenant
      ).pipe(
        Effect.repeat({ schedule: lookAgain, until: isSettled }),
        Effect.timeoutOrElse({ duration: config.provisionWaitMs, orElse: () => Effect.succeed(tenant) })
      )

    const reportsOf = (slug: TenantSlug) =>
      store.erasures(slug).pipe(
        Effect.map((erasures) => erasures.map(({ report }) => decodeReport(report))),
        Effect.catchTag("StorageError", unavailable)
      )

    /** The report as soon as there is one, or the tenant when the time is over. */
    const whenErased = (tenant: Tenant) =>
      Effect.map(reportsOf(tenant.slug), (reports) => reports.find(({ tenantId }) => tenantId === tenant.id)).pipe(
        Effect.repeat({ schedule: Schedule.spaced("25 millis"), until: (report) => report !== undefined }),
        Effect.map((report) => report ?? tenant),
        Effect.timeoutOrElse({ duration: config.provisionWaitMs, orElse: () => Effect.succeed(tenant) })
      )

    const request = Effect.fnUntraced(function* (slug: string, wish: TenantWish) {
      if (!isTenantSlug(slug)) return yield* unknownTenant(slug)
      return yield* changeFailures(slug, store.request(slug, wish))
    })

    const find = (slug: string) => findTenant(slug).pipe(Effect.provideService(TenantStore, store))

    const checkLimits = (limits: Readonly<Record<string, unknown>> = {}) => {
      const problem = limitProblem(limits, config.streamBytesMax)
      return problem === undefined
        ? Effect.succeed(limits as NonNullable<TenantTerms["limits"]>)
        : Effect.fail(new LimitRefusedProblem({ detail: `${problem}. Nothing was changed` }))
    }

    /** It owns the subjects that carry no tenant: without it they would have no home. */
    const refuseDefault = (slug: string) =>
      slug === DEFAULT_TENANT
        ? Effect.fail(
            new RefusedProblem({
              detail: `Tenant "${slug}" owns the subjects without a prefix: it cannot be suspended or deleted`
            })
          )
        : Effect.void

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
        return yield* whenSettled(tenant)
      }),
      list: () => store.list.pipe(Effect.catchTag("StorageError", unavailable)),
      get: ({ params: { slug } }) => find(slug),
      limits: ({ params: { slug } }) => Effect.flatMap(find(slug), limitsFor),
      change: Effect.fnUntraced(function* ({ params: { slug }, payload }) {
        const limits = yield* checkLimits(payload.limits)
        return yield* whenSettled(yield* request(slug, { ...payload, limits }))
      }),
      suspend: Effect.fnUntraced(function* ({ params: { slug } }) {
        yield* refuseDefault(slug)
        return yield* whenSettled(yield* request(slug, { status: "suspended" }))
      }),
      resume: ({ params: { slug } }) => Effect.flatMap(request(slug, { status: "active" }), whenSettled),
      delete: Effect.fnUntraced(function* ({ params: { slug } }) {
        yield* refuseDefault(slug)
        return yield* whenErased(yield* request(slug, { status: "deleting" }))
      }),
      erasures: ({ params: { slug } }) => (isTenantSlug(slug) ? reportsOf(slug) : unknownTenant(slug))
    })
  })
)
