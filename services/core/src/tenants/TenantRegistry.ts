/**
 * Keeps one actor for each tenant that is this replica's to run. The tenants table and the members are the wish, the
 * running actors are the reality. The two are compared at start, when told of a change, and periodically; so a notice
 * that got lost costs seconds and nothing else.
 *
 * Which replica is to run a tenant follows from the members' ids; a claim keeps it from starting before the one that ran
 * the tenant has stopped. That no row is written twice needs neither: the lane's watermark sees to it.
 */
import type { PrefixMode } from "@bulkhead/channels"
import { Flags, PREFIX_MODE, prefixMode, TENANT_PREFIX_ENABLED } from "@bulkhead/flags"
import {
  Claims,
  type KnownTenantRun,
  type LaneStats,
  type StorageError,
  TenantRuns,
  TenantSchemas,
  TenantStats,
  TenantStore
} from "@bulkhead/storage"
import { type Tenant, withTenant } from "@bulkhead/tenancy"
import { type Cause, Context, Effect, FiberMap, Layer, PubSub, Queue, Semaphore, Stream } from "effect"
import { CoreConfig } from "../CoreConfig.ts"
import { CoreMetrics } from "../CoreMetrics.ts"
import { Membership, type MembershipView } from "../replicas/Membership.ts"
import { ActorState } from "./ActorState.ts"
import { reportRuns } from "./reportRuns.ts"
import { runTenantActor } from "./TenantActor.ts"

/** What may have changed. */
type Change =
  /** Everything: compare it all, with what PostgreSQL says. */
  | { readonly kind: "all" }
  | { readonly kind: "tenant"; readonly slug: string }
  /** Who is to run what, or what is free to be claimed. */
  | { readonly kind: "placement" }

/** A tenant, who runs it, and how it is: `here` where that is this replica, else what the other one told of it last. */
export interface TenantState {
  readonly tenant: Tenant
  /** The id of the replica; undefined while none does. */
  readonly replica: string | undefined
  readonly here: ActorState | undefined
  readonly elsewhere: KnownTenantRun | undefined
}

export class TenantRegistry extends Context.Service<
  TenantRegistry,
  {
    /** The record of a tenant as it was last seen here, without asking; undefined when there is none. */
    readonly tenant: (slug: string) => Effect.Effect<Tenant | undefined>
    /** Every tenant, by slug, whichever replica runs it. */
    readonly states: Effect.Effect<ReadonlyArray<TenantState>, StorageError>
    readonly state: (slug: string) => Effect.Effect<TenantState | undefined, StorageError>
  }
>()("@bulkhead/core/TenantRegistry") {
  static readonly layer = Layer.effect(
    TenantRegistry,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const config = yield* CoreConfig
  const store = yield* TenantStore
  const schemas = yield* TenantSchemas
  const stats = yield* TenantStats
  const metrics = yield* CoreMetrics
  const flags = yield* Flags
  const claims = yield* Claims
  const runs = yield* TenantRuns
  const membership = yield* Membership
  const starts = yield* Semaphore.make(config.startsAtOnce)
  /** One at a time: two would start the same actor twice. */
  const turns = yield* Semaphore.make(1)
  const fibers = yield* FiberMap.make<string>()
  const records = new Map<string, Tenant>()
  const actors = new Map<string, ActorState>()
  const held = new Set<string>()
  const changes = yield* Queue.unbounded<Change>()
  let view: MembershipView = { term: 0, members: [] }
  let runningMode: PrefixMode | undefined
  let knownFingerprint: string | undefined

  const stop = (slug: string) =>
    Effect.andThen(
      FiberMap.remove(fibers, slug),
      Effect.sync(() => actors.delete(slug))
    )

  const stopEach = (slugs: Iterable<string>) => Effect.forEach(slugs, stop, { concurrency: "unbounded", discard: true })

  /** An actor works for one generation of one tenant; whatever is asked for later is for its successor. */
  const isCurrent = (slug: string): boolean => {
    const running = actors.get(slug)?.tenant
    const wanted = records.get(slug)
    return running?.id === wanted?.id && running?.generation === wanted?.generation && held.has(slug)
  }

  const run = (state: ActorState, mode: PrefixMode) =>
    FiberMap.run(fibers, state.tenant.slug, runTenantActor(state, { mode, starts }))

  const start = (tenant: Tenant, present: ReadonlyArray<LaneStats> | undefined, mode: PrefixMode) => {
    const state = new ActorState(tenant, present)
    actors.set(tenant.slug, state)
    return run(state, mode)
  }

  /**
   * The lanes of those tenants whose schema stands: asked for all at once, because starting is mostly asking. Of one that
   * is being made it need not be asked.
   */
  const lanesWhereIntact = Effect.fnUntraced(
    function* (tenants: ReadonlyArray<Tenant>) {
      const made = tenants.filter(({ status }) => status !== "provisioning")
      if (made.length === 0) return new Map<string, ReadonlyArray<LaneStats>>()
      const intact = [...(yield* schemas.intact(made.map(({ slug }) => slug)))]
      const lanes = yield* stats.lanesOf(intact)
      return new Map(intact.map((slug) => [slug, lanes.get(slug) ?? []]))
    },
    // Each actor then asks for itself, and has the problem for its own.
    Effect.catch(() => Effect.succeed(new Map<string, ReadonlyArray<LaneStats>>()))
  )

  /** Brings the actors of these tenants in line with what is known. */
  const place = Effect.fnUntraced(function* (slugs: ReadonlyArray<string>, mode: PrefixMode) {
    const { self } = membership
    const mine = new Set(slugs.filter((slug) => records.has(slug) && membership.isOwner(view, slug)))
    yield* stopEach(slugs.filter((slug) => actors.has(slug) && !(mine.has(slug) && isCurrent(slug))))
    const others = slugs.filter((slug) => held.has(slug) && !mine.has(slug))
    if (others.length > 0) {
      yield* claims.release(self, "tenant", others)
      for (const slug of others) held.delete(slug)
    }
    const free = [...mine].filter((slug) => !held.has(slug))
    if (free.length > 0) for (const slug of yield* claims.take(self, "tenant", free)) held.add(slug)
    const missing = [...mine]
      .filter((slug) => held.has(slug) && !actors.has(slug))
      .flatMap((slug) => records.get(slug) ?? [])
    if (missing.length === 0) return
    const lanes = yield* lanesWhereIntact(missing)
    // Nothing may wait between this look and the starts: a replica that is out runs nothing.
    if ((yield* membership.view) !== view) return
    for (const tenant of missing) yield* start(tenant, lanes.get(tenant.slug), mode)
  })

  const refreshAll = Effect.gen(function* () {
    const mode = yield* prefixMode
    // Every lane's filter and every stream's subjects depend on the mode; each lane goes on at its watermark.
    if (mode !== runningMode) yield* stopEach([...actors.keys()])
    runningMode = mode
    const fingerprint = yield* store.fingerprint
    if (fingerprint !== knownFingerprint) {
      const tenants = yield* store.list
      records.clear()
      for (const tenant of tenants) records.set(tenant.slug, tenant)
      // What changed in between changes it again.
      knownFingerprint = fingerprint
    }
    if ((yield* claims.count(membership.self, "tenant")) === held.size) return
    const own = yield* claims.held(membership.self, "tenant")
    held.clear()
    for (const slug of own) held.add(slug)
  })

  const refreshSome = Effect.fnUntraced(function* (slugs: ReadonlyArray<string>) {
    if (slugs.length === 0) return
    const found = new Map((yield* store.some(slugs)).map((tenant) => [tenant.slug as string, tenant]))
    for (const slug of slugs) {
      const tenant = found.get(slug)
      if (tenant !== undefined) records.set(slug, tenant)
      else records.delete(slug)
    }
  })

  const follow = Effect.fnUntraced(
    function* (reasons: ReadonlyArray<Change>) {
      view = yield* membership.view
      if (view.members.length === 0) return
      const named = [...new Set(reasons.flatMap((reason) => (reason.kind === "tenant" ? [reason.slug] : [])))]
      if (reasons.some(({ kind }) => kind === "all")) yield* refreshAll
      else yield* refreshSome(named)
      // Before everything was read once there is nothing to compare with.
      if (runningMode === undefined) return
      const areNamed = reasons.every(({ kind }) => kind === "tenant")
      yield* place(areNamed ? named : [...new Set([...records.keys(), ...actors.keys(), ...held])], runningMode)
    },
    Effect.withSpan("TenantRegistry.reconcile"),
    Effect.catchCause((cause: Cause.Cause<unknown>) =>
      Effect.logWarning("tenants could not be reconciled; trying again", cause)
    )
  )

  /** Idle lanes do not touch their schema: somebody who dropped it would be noticed with the next event only. */
  const findDrift = Effect.gen(function* () {
    const running = [...actors.values()].filter(({ isRunning }) => isRunning)
    if (running.length === 0 || runningMode === undefined) return
    const intact = yield* schemas.intact(running.map(({ tenant }) => tenant.slug))
    for (const state of running) {
      const { slug } = state.tenant
      if (intact.has(slug) || actors.get(slug) !== state || !state.isRunning) continue
      const problem = "its schema or role in PostgreSQL was dropped or changed by somebody else; it is made again"
      yield* Effect.logError("a tenant drifted", { problem }).pipe(withTenant(state.tenant))
      yield* FiberMap.remove(fibers, slug)
      state.failed(problem)
      metrics.drifted(slug)
      yield* run(state, runningMode)
    }
  }).pipe(Effect.catch((error) => Effect.logWarning("drift could not be looked for", { problem: error.message })))

  const tell = (change: Change) => Queue.offer(changes, change)
  const everything: Change = { kind: "all" }

  /** A replica that is out, or was, must not wait for anything before it stops. */
  const fence = (next: MembershipView) => {
    const isOut = next.members.length === 0 || next.term !== view.term
    if (!isOut || actors.size === 0) return Effect.void
    held.clear()
    actors.clear()
    return Effect.andThen(
      Effect.logWarning("all tenants of this replica are stopped", { replica: membership.self }),
      FiberMap.clear(fibers)
    )
  }

  const notices = yield* membership.notices
  yield* PubSub.takeAll(notices).pipe(
    Effect.flatMap((all) =>
      Queue.offerAll(
        changes,
        all.map((notice) => (notice.kind === "tenant" ? notice : { kind: "placement" as const }))
      )
    ),
    Effect.forever,
    Effect.forkScoped
  )
  yield* membership.views.pipe(
    Stream.runForEach((next) => Effect.andThen(fence(next), tell(everything))),
    Effect.forkScoped
  )
  yield* Queue.takeAll(changes).pipe(
    Effect.timeoutOrElse({ duration: config.reconcileMs, orElse: () => Effect.succeed([everything]) }),
    Effect.flatMap((reasons) => turns.withPermit(follow(reasons))),
    Effect.forever,
    Effect.forkScoped
  )
  yield* Stream.merge(flags.changes(PREFIX_MODE), flags.changes(TENANT_PREFIX_ENABLED)).pipe(
    Stream.runForEach(() => tell(everything)),
    Effect.forkScoped
  )
  yield* reportRuns(actors)
  yield* Effect.sleep(config.driftMs).pipe(
    Effect.andThen(turns.withPermit(findDrift)),
    Effect.forever,
    Effect.forkScoped
  )
  metrics.watch(() => actors.values())

  const stateOf = (tenant: Tenant, elsewhere: KnownTenantRun | undefined): TenantState => {
    const here = actors.get(tenant.slug)
    return here === undefined
      ? { tenant, replica: elsewhere?.replica, here, elsewhere }
      : { tenant: here.tenant, replica: membership.self, here, elsewhere: undefined }
  }

  return TenantRegistry.of({
    tenant: (slug) => Effect.sync(() => actors.get(slug)?.tenant ?? records.get(slug)),
    states: Effect.gen(function* () {
      const remote = actors.size === records.size ? [] : yield* runs.read()
      const known = new Map(remote.map((run) => [run.tenant as string, run]))
      return [...records.values()]
        .sort((a, b) => (a.slug < b.slug ? -1 : 1))
        .map((tenant) => stateOf(tenant, known.get(tenant.slug)))
    }),
    state: Effect.fnUntraced(function* (slug: string) {
      const tenant = records.get(slug)
      if (tenant === undefined) return undefined
      const [elsewhere] = actors.has(slug) ? [] : yield* runs.read([slug])
      return stateOf(tenant, elsewhere)
    })
  })
})
