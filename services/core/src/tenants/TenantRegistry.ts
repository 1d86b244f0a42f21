/**
 * Keeps one actor per tenant. The tenants table is the wish, the running actors are the reality, and `reconcile`
 * compares the two: at start, when told that the table changed, and periodically, so that a missed notification costs
 * seconds and nothing else.
 */
import type { PrefixMode } from "@bulkhead/channels"
import { Flags, PREFIX_MODE, prefixMode, TENANT_PREFIX_ENABLED } from "@bulkhead/flags"
import { TenantStore } from "@bulkhead/storage"
import type { Tenant } from "@bulkhead/tenancy"
import { Context, Effect, FiberMap, Layer, Queue, Stream } from "effect"
import { CoreConfig } from "../CoreConfig.ts"
import { type ActorState, initialState, runTenantActor } from "./TenantActor.ts"

const make = Effect.gen(function* () {
  const config = yield* CoreConfig
  const store = yield* TenantStore
  const flags = yield* Flags
  const fibers = yield* FiberMap.make<string>()
  const states = new Map<string, ActorState>()
  const wake = yield* Queue.sliding<void>(1)
  const notify = Effect.asVoid(Queue.offer(wake, undefined))
  let runningMode: PrefixMode | undefined

  const stop = (slug: string) =>
    Effect.andThen(
      FiberMap.remove(fibers, slug),
      Effect.sync(() => states.delete(slug))
    )

  const start = Effect.fnUntraced(function* (tenant: Tenant, mode: PrefixMode) {
    const state = initialState(tenant)
    states.set(tenant.slug, state)
    yield* FiberMap.run(fibers, tenant.slug, runTenantActor(state, mode))
  })

  const reconcile = Effect.gen(function* () {
    const mode = yield* prefixMode
    if (mode !== runningMode) {
      // Every lane's filter and every stream's subjects depend on the mode; each lane goes on at its watermark.
      yield* Effect.forEach([...states.keys()], stop, { concurrency: "unbounded", discard: true })
      runningMode = mode
    }
    const wanted = new Map((yield* store.list).map((tenant) => [tenant.slug as string, tenant]))
    // An actor works for one generation of one tenant; whatever is asked for later is for its successor.
    for (const [slug, { tenant }] of states) {
      const now = wanted.get(slug)
      if (now?.id !== tenant.id || now.generation !== tenant.generation) yield* stop(slug)
    }
    for (const [slug, tenant] of wanted) if (!states.has(slug)) yield* start(tenant, mode)
  }).pipe(Effect.withSpan("TenantRegistry.reconcile"))

  yield* reconcile.pipe(
    Effect.catchCause((cause) => Effect.logWarning("tenants could not be reconciled; trying again", cause)),
    Effect.andThen(Effect.timeoutOption(Queue.take(wake), config.reconcileMs)),
    Effect.forever,
    Effect.forkScoped
  )
  yield* Stream.merge(flags.changes(PREFIX_MODE), flags.changes(TENANT_PREFIX_ENABLED)).pipe(
    Stream.runForEach(() => notify),
    Effect.forkScoped
  )

  return TenantRegistry.of({
    notify,
    states: Effect.sync(() => [...states.values()].sort((a, b) => (a.tenant.slug < b.tenant.slug ? -1 : 1))),
    state: (slug) => Effect.sync(() => states.get(slug))
  })
})

export class TenantRegistry extends Context.Service<
  TenantRegistry,
  {
    /** Says that the tenants table may have changed. */
    readonly notify: Effect.Effect<void>
    /** The state of every actor, in order of slug. */
    readonly states: Effect.Effect<ReadonlyArray<ActorState>>
    readonly state: (slug: string) => Effect.Effect<ActorState | undefined>
  }
>()("@bulkhead/core/TenantRegistry") {
  static readonly layer = Layer.effect(TenantRegistry, make)
}
