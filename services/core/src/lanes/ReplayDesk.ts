/**
 * Hears of replays that were asked for, here or at another core: one look for all tenants each second, so that a tenant
 * without a replay costs nothing.
 */
import type { TenantSlug } from "@bulkhead/channels"
import { ReplayStore } from "@bulkhead/storage"
import { Context, Effect, Latch, Layer } from "effect"

const LOOK_PERIOD = "1 second"

const make = Effect.gen(function* () {
  const store = yield* ReplayStore
  const waiting = new Map<TenantSlug, Latch.Latch>()

  const look = Effect.flatMap(store.calls, (called) =>
    Effect.forEach(called, (tenant) => waiting.get(tenant)?.open ?? Effect.void, { discard: true })
  )
  yield* look.pipe(Effect.ignore, Effect.andThen(Effect.sleep(LOOK_PERIOD)), Effect.forever, Effect.forkScoped)

  const awaitCall = (tenant: TenantSlug) =>
    Effect.suspend(() => {
      const latch = Latch.makeUnsafe(false)
      waiting.set(tenant, latch)
      return latch.await
    }).pipe(Effect.ensuring(Effect.sync(() => waiting.delete(tenant))))

  return ReplayDesk.of({ look: Effect.ignore(look), awaitCall })
})

export class ReplayDesk extends Context.Service<
  ReplayDesk,
  {
    /** Looks now, because a replay was just asked for. */
    readonly look: Effect.Effect<void>
    /** Waits until somebody should look at the tenant's replays. One waits for a tenant. */
    readonly awaitCall: (tenant: TenantSlug) => Effect.Effect<void>
  }
>()("@bulkhead/core/ReplayDesk") {
  static readonly layer = Layer.effect(ReplayDesk, make)
}
