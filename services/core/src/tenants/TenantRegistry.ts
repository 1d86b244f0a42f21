/**
 * Keeps one actor per tenant. The tenants table is the wish, the running actors are the reality. The two are compared at
 * start and periodically, and for one tenant alone when told that its record changed; so a missed notification costs
 * seconds and nothing else.
 */
import type { PrefixMode, TenantSlug } from "@bulkhead/channels"
import { Flags, PREFIX_MODE, prefixMode, TENANT_PREFIX_ENABLED } from "@bulkhead/flags"
import { TenantStore } from "@bulkhead/storage"
import type { Tenant } from "@bulkhead/tenancy"
import { type Cause, Context, Effect, FiberMap, Layer, Queue, Semaphore, Stream } from "effect"
import { CoreConfig } from "../CoreConfig.ts"
import { type ActorState, initialState, runTenantActor } from "./TenantActor.ts"

const make = Effect.gen(function* () {
  const config = yield* CoreConfig
  const store = yield* TenantStore
  const flags = yield* Flags
  const fibers = yield* FiberMap.make<string>()
  const states = new Map<string, ActorState>()
  /** Tenants whose record changed; undefined for all. */
  const changed = yield* Queue.unbounded<TenantSlug | undefined>()
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

  /** An actor works for one generation of one tenant; whatever is asked for later is for its successor. */
  const follow = Effect.fnUntraced(function* (slug: string, wanted: Tenant | undefined, mode: PrefixMode) {
    const running = states.get(slug)?.tenant
    if (running !== undefined && running.id === wanted?.id && running.generation === wanted.generation) return
    if (running !== undefined) yield* stop(slug)
    if (wanted !== undefined) yield* start(wanted, mode)
  })

  const reconcileAll = Effect.gen(function* () {
    const mode = yield* prefixMode
    if (mode !== runningMode) {
      // Every lane's filter and every stream's subjects depend on the mode; each lane goes on at its watermark.
      yield* Effect.forEach([...states.keys()], stop, { concurrency: "unbounded", discard: true })
      runningMode = mode
    }
    const wanted = new Map((yield* store.list).map((tenant) => [tenant.slug as string, tenant]))
    for (const slug of new Set([...states.keys(), ...wanted.keys()])) yield* follow(slug, wanted.get(slug), mode)
  }).pipe(Effect.withSpan("TenantRegistry.reconcile"))

  const reconcileOne = Effect.fn("TenantRegistry.reconcileOne")(function* (slug: TenantSlug) {
    if (runningMode === undefined) return yield* reconcileAll
    const wanted = yield* store
      .get(slug)
      .pipe(Effect.catchReason("StorageError", "TenantUnknown", () => Effect.undefined))
    yield* follow(slug, wanted, runningMode)
  })

  const warned = Effect.catchCause((cause: Cause.Cause<unknown>) =>
    Effect.logWarning("tenants could not be reconciled; trying again", cause)
  )

  /** One at a time: two would start the same actor twice. */
  const turns = yield* Semaphore.make(1)
  yield* turns
    .withPermit(reconcileAll)
    .pipe(warned, Effect.andThen(Effect.sleep(config.reconcileMs)), Effect.forever, Effect.forkScoped)
  yield* Queue.take(changed).pipe(
    Effect.flatMap((slug) => turns.withPermit(slug === undefined ? reconcileAll : reconcileOne(slug))),
    warned,
    Effect.forever,
    Effect.forkScoped
  )
  yield* Stream.merge(flags.changes(PREFIX_MODE), flags.changes(TENANT_PREFIX_ENABLED)).pipe(
    Stream.runForEach(() => Queue.offer(changed, undefined)),
    Effect.forkScoped
  )

  return TenantRegistry.of({
    notify: (slug) => Effect.asVoid(Queue.offer(changed, slug)),
    states: Effect.sync(() => [...states.values()].sort((a, b) => (a.tenant.slug < b.tenant.slug ? -1 : 1))),
    state: (slug) => Effect.sync(() => states.get(slug))
  })
})

export class TenantRegistry extends Context.Service<
  TenantRegistry,
  {
    /** Says that a tenant's record may have changed. */
    readonly notify: (slug: TenantSlug) => Effect.Effect<void>
    /** The state of every actor, in order of slug. */
    readonly states: Effect.Effect<ReadonlyArray<ActorState>>
    readonly state: (slug: string) => Effect.Effect<ActorState | undefined>
  }
>()("@bulkhead/core/TenantRegistry") {
  static readonly layer = Layer.effect(TenantRegistry, make)
}
