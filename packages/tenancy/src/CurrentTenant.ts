/**
 * The tenant on whose behalf code runs. It is a requirement in Effect's types: code that needs it does not compile
 * where nobody provided it, and there is no default to fall back to. Into code that is not Effect it travels by
 * `AsyncLocalStorage`.
 */
import { AsyncLocalStorage } from "node:async_hooks"
import type { TenantSlug } from "@bulkhead/channels"
import { Context, Effect, Schema } from "effect"
import type { TenantId } from "./TenantSlug.ts"

/** What is known of the current tenant; the id only where the control plane's record is at hand. */
export interface TenantContext {
  readonly slug: TenantSlug
  readonly id?: TenantId
}

/** The current tenant. */
export class CurrentTenant extends Context.Service<CurrentTenant, TenantContext>()("@bulkhead/tenancy/CurrentTenant") {}

/** Code that needs a tenant ran where nobody had said for which: a mistake in the program. */
export class TenantMissing extends Schema.TaggedError<TenantMissing>("@bulkhead/tenancy/TenantMissing")(
  "TenantMissing",
  {}
) {
  readonly isRetryable = false
  override get message(): string {
    return "No tenant is set here: wrap the caller in withTenant, or in runWithTenant where it is not Effect"
  }
}

/**
 * Runs an effect for one tenant: `CurrentTenant` is provided, and every log line and span inside carries `tenant`.
 *
 * @stability stable
 */
export const withTenant =
  (tenant: TenantContext) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, CurrentTenant>> =>
    effect.pipe(
      Effect.provideService(CurrentTenant, {
        slug: tenant.slug,
        ...(tenant.id === undefined ? {} : { id: tenant.id })
      }),
      Effect.annotateLogs({ tenant: tenant.slug }),
      Effect.annotateSpans({ tenant: tenant.slug })
    )

const storage = new AsyncLocalStorage<TenantContext>()

/**
 * Runs plain code for the current tenant: inside it, and in all it awaits, `currentTenant()` answers.
 *
 * @stability stable
 */
export const runWithTenant = <A>(run: () => A): Effect.Effect<A, never, CurrentTenant> =>
  CurrentTenant.useSync((tenant) => storage.run(tenant, run))

/**
 * The tenant of the plain code that runs now.
 *
 * **Fails**: throws `TenantMissing` outside of `runWithTenant`; there is no default.
 *
 * @stability stable
 */
export const currentTenant = (): TenantContext => {
  const tenant = storage.getStore()
  if (tenant === undefined) throw new TenantMissing({})
  return tenant
}

/**
 * The way back: runs an effect for the tenant of the plain code that called it.
 *
 * **Fails**: `TenantMissing` outside of `runWithTenant`.
 *
 * @stability stable
 */
export const withCurrentTenant = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E | TenantMissing, Exclude<R, CurrentTenant>> =>
  Effect.suspend((): Effect.Effect<A, E | TenantMissing, Exclude<R, CurrentTenant>> => {
    const tenant = storage.getStore()
    return tenant === undefined ? Effect.fail(new TenantMissing({})) : withTenant(tenant)(effect)
  })
