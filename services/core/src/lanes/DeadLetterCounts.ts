/**
 * How many dead letters each tenant has by reason, for metrics and health. PostgreSQL counts them as they come and go;
 * here is what was last read: at the start of a lane, after each batch with dead letters, after each change through the
 * API, and every minute for tenants that have any, because another process may have changed them.
 */
import type { TenantSlug } from "@bulkhead/channels"
import { type DeadLetterCounts as Counts, DeadLetters, type StorageError } from "@bulkhead/storage"
import { Context, Effect, Layer, Schedule } from "effect"
import { CoreMetrics } from "../CoreMetrics.ts"

const REFRESH_PERIOD = "1 minute"

const make = Effect.gen(function* () {
  const letters = yield* DeadLetters
  const metrics = yield* CoreMetrics
  const known = new Map<TenantSlug, Counts>()

  const refresh = Effect.fnUntraced(function* (tenant: TenantSlug) {
    const counts = yield* letters.counts(tenant)
    known.set(tenant, counts)
    metrics.deadLetters(tenant, counts)
  })

  const forget = (tenant: TenantSlug) =>
    Effect.sync(() => {
      known.delete(tenant)
      metrics.deadLetters(tenant, {})
    })

  yield* Effect.suspend(() =>
    Effect.forEach(
      [...known].filter(([, counts]) => Object.keys(counts).length > 0),
      ([tenant]) => Effect.ignore(refresh(tenant)),
      { discard: true }
    )
  ).pipe(Effect.repeat(Schedule.spaced(REFRESH_PERIOD)), Effect.forkScoped)

  return DeadLetterCounts.of({ refresh, forget, of: (tenant) => known.get(tenant) ?? {} })
})

export class DeadLetterCounts extends Context.Service<
  DeadLetterCounts,
  {
    /** Reads a tenant's counts again. */
    readonly refresh: (tenant: TenantSlug) => Effect.Effect<void, StorageError>
    /** Says nothing more of a tenant that does not run here. */
    readonly forget: (tenant: TenantSlug) => Effect.Effect<void>
    /** As last read. */
    readonly of: (tenant: TenantSlug) => Counts
  }
>()("@bulkhead/core/DeadLetterCounts") {
  static readonly layer = Layer.effect(DeadLetterCounts, make)
}
