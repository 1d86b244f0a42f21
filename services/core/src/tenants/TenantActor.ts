/**
 * One tenant's life in this process: make what its record wants, then run its lane; on any failure do both again after
 * a pause that grows. Every step is idempotent, so an actor never needs to know how far it, or one before it, got.
 */
import { DEFAULT_TENANT, type PrefixMode, type TenantSlug } from "@bulkhead/channels"
import { TenantSchemas, TenantStats, TenantStore } from "@bulkhead/storage"
import { type Tenant, withTenant } from "@bulkhead/tenancy"
import { Cause, Clock, Deferred, Effect, Exit, Predicate, Random, Schedule, Scope, Semaphore } from "effect"
import { provePublishing } from "../accounts/provePublishing.ts"
import { TenantAccounts } from "../accounts/TenantAccounts.ts"
import { CoreConfig } from "../CoreConfig.ts"
import { CoreMetrics } from "../CoreMetrics.ts"
import { runEventWriter } from "../lanes/EventWriter.ts"
import { watchLanes } from "../lanes/watchLanes.ts"
import { TenantStreams } from "../streams/TenantStreams.ts"
import type { ActorState } from "./ActorState.ts"
import { eraseTenant } from "./eraseTenant.ts"
import { RestartBudget } from "./RestartBudget.ts"

const PAUSE_MS_MIN = 100
const PAUSE_MS_MAX = 10_000
/** A lane that ran this long was healthy: its next failure starts with a short pause again. */
const HEALTHY_MS = 30_000

/** How long a start that does not come to its end keeps its turn. */
const START_TURN_MS = 5_000

/** What an actor needs besides its state. */
export interface ActorSurroundings {
  readonly mode: PrefixMode
  /** A permit for each start under way. */
  readonly starts: Semaphore.Semaphore
}

const isInForce = ({ generation, appliedGeneration, status }: Tenant): boolean =>
  appliedGeneration >= generation && status !== "provisioning"

/** Schema and role; gives the lanes that the schema has. */
const provisionSchema = Effect.fnUntraced(function* (slug: TenantSlug) {
  const { before } = yield* (yield* TenantSchemas).provision(slug)
  return before === 0 ? [] : yield* (yield* TenantStats).lanes(slug)
})

/** Schema, role and stream. */
const provisionStorage = Effect.fn("TenantActor.provisionStorage")(function* (
  { tenant, present }: ActorState,
  mode: PrefixMode
) {
  // Before the stream is looked at: see seatLane.
  const lanes = present ?? (yield* provisionSchema(tenant.slug))
  const stream = yield* (yield* TenantStreams).ensure(tenant, mode, lanes)
  return stream === undefined ? undefined : { source: { ...stream, mode }, lanes }
})

const ensureAccount = Effect.fn("TenantActor.ensureAccount")(function* (tenant: Tenant) {
  yield* (yield* TenantAccounts).ensure(tenant)
})

/**
 * What the record wants is in force once all is `stored`, and a client that may get in reaches the stream. The account
 * is made, and the client let in, while schema and stream are.
 */
const settle = Effect.fn("TenantActor.settle")(function* (state: ActorState, stored: Effect.Effect<void>) {
  const { tenant } = state
  if (isInForce(tenant)) return
  yield* ensureAccount(tenant)
  if (tenant.status !== "suspended" && tenant.slug !== DEFAULT_TENANT) yield* provePublishing(tenant, stored)
  yield* stored
  state.tenant = yield* (yield* TenantStore).applied(tenant.slug, tenant.generation)
})

const accountBackoff = Schedule.min([Schedule.exponential(PAUSE_MS_MIN), Schedule.spaced(PAUSE_MS_MAX)]).pipe(
  Schedule.jittered
)

/** For a tenant that works already: a signer that is away delays what was asked for, and not the tenant's lane. */
const keepSettling = (state: ActorState, stored: Effect.Effect<void>) =>
  settle(state, stored).pipe(
    Effect.tapError((error) => {
      state.lastError = error.message
      return Effect.logWarning("what was asked for the tenant waits", { problem: error.message })
    }),
    Effect.retry(accountBackoff)
  )

/** All the walls of a tenant; those of NATS and of PostgreSQL at the same time. Storage waits for its turn. */
const provision = Effect.fn("TenantActor.provision")(function* (
  state: ActorState,
  mode: PrefixMode,
  turn: Effect.Effect<unknown>
) {
  const stored = yield* Deferred.make<void>()
  const storage = Effect.andThen(turn, provisionStorage(state, mode)).pipe(
    Effect.tap(() => Deferred.succeed(stored, undefined))
  )
  if (state.tenant.status !== "provisioning") {
    yield* Effect.forkScoped(keepSettling(state, Deferred.await(stored)))
    return yield* storage
  }
  const [provisioned] = yield* Effect.all([storage, settle(state, Deferred.await(stored))], { concurrency: 2 })
  return provisioned
})

const live = Effect.fnUntraced(function* (state: ActorState, { mode, starts }: ActorSurroundings) {
  if (state.tenant.status === "deleting") {
    const report = yield* eraseTenant(state.tenant)
    yield* Effect.logInfo("tenant erased", report)
    // Its record is gone: the registry ends this actor when it looks next.
    return yield* Effect.never
  }
  const turn = yield* Scope.fork(yield* Effect.scope)
  const endTurn = () => Effect.runFork(Scope.close(turn, Exit.void))
  // Held until the lane runs, so that two thousand tenants do not start at the same instant; one that hangs does not
  // hold up the others for long.
  const takeTurn = Effect.gen(function* () {
    yield* Semaphore.takeScoped(starts, 1)
    const deadline = setTimeout(endTurn, START_TURN_MS)
    yield* Effect.addFinalizer(() => Effect.sync(() => clearTimeout(deadline)))
  }).pipe(Scope.provide(turn))
  const started = () => {
    state.running()
    endTurn()
  }
  state.onRunning = started
  const provisioned = yield* provision(state, mode, takeTurn)
  if (provisioned === undefined) {
    // In this mode the tenant has no subjects, and so nothing to write.
    started()
    return yield* Effect.never
  }
  if ((yield* CoreConfig).eventWriter === "off") {
    started()
    return yield* watchLanes(state.tenant, state)
  }
  return yield* runEventWriter(state.tenant, provisioned.source, provisioned.lanes, state)
})

/** 50 to 100 % of the longest pause. */
const jittered = (pauseMs: number) => Effect.map(Random.next, (jitter) => pauseMs * (0.5 + jitter / 2))

const grownPauseMs = (failures: number): number => Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** (failures - 1))

/** A server that is away is no fault of the tenant's, and costs it nothing of its budget. */
const SERVER_AWAY = new Set(["ConnectionLost", "ServerSilent", "NatsUnavailable", "DatabaseUnavailable"])

const isServerAway = (error: unknown): boolean =>
  Predicate.hasProperty(error, "reason") &&
  SERVER_AWAY.has(String(Predicate.hasProperty(error.reason, "_tag") && error.reason._tag))

const noteFailure = Effect.fnUntraced(function* (state: ActorState, budget: RestartBudget, error: unknown) {
  const metrics = yield* CoreMetrics
  const { restartsMax: failures, restartsWindowMs: windowMs, retryRareMs: pauseMsMax } = yield* CoreConfig
  const problem = error instanceof Error ? error.message : String(error)
  state.failed(problem)
  metrics.restarted(state.tenant.slug)
  if (!isServerAway(error) && budget.count(yield* Clock.currentTimeMillis)) {
    metrics.budgetUsedUp(state.tenant.slug)
    const details = { problem, failures, windowMs, pauseMsMax }
    yield* Effect.logError("a tenant's restart budget is used up; its tries become rare", details)
  }
  if (budget.isUsedUp) state.reason = `its restart budget of ${failures} in ${windowMs} ms is used up: ${problem}`
})

/** Runs the actor until it is interrupted. It never fails: its failures are in `state`, in the log and in metrics. */
export const runTenantActor = (state: ActorState, surroundings: ActorSurroundings) =>
  Effect.gen(function* () {
    const { restartsMax, restartsWindowMs, retryRareMs } = yield* CoreConfig
    const budget = new RestartBudget(restartsMax, restartsWindowMs)
    for (let failures = 1; ; failures += 1) {
      const startedAt = yield* Clock.currentTimeMillis
      const cause = yield* Effect.scoped(live(state, surroundings)).pipe(Effect.sandbox, Effect.flip)
      if (Cause.hasInterruptsOnly(cause)) return yield* Effect.interrupt
      // What it wrote shows that the way was open: the next try need not wait long. Its budget it gets back with time only.
      if ((state.lastCommitAtMs ?? 0) >= startedAt) failures = 1
      if ((yield* Clock.currentTimeMillis) - startedAt >= HEALTHY_MS) {
        failures = 1
        budget.refill()
      }
      yield* noteFailure(state, budget, Cause.squash(cause))
      const pauseMs = yield* jittered(budget.isUsedUp ? retryRareMs : grownPauseMs(failures))
      const details = { problem: state.lastError, pauseMs: Math.round(pauseMs), restarts: state.restarts }
      // A cause may quote rows; only a fault of ours, which nobody foresaw, is worth its stack.
      if (Cause.hasDies(cause)) yield* Effect.logError("tenant actor restarts after a defect", details, cause)
      else yield* Effect.logWarning("tenant actor restarts", details)
      yield* Effect.sleep(pauseMs)
    }
  }).pipe(withTenant(state.tenant))
