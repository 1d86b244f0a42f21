/**
 * One tenant's life in this process: make what its record wants, then run its lane; on any failure do both again after
 * a pause that grows. Every step is idempotent, so an actor never needs to know how far it, or one before it, got.
 */
import { DEFAULT_TENANT, type PrefixMode } from "@bulkhead/channels"
import type { LaneProgress } from "@bulkhead/pipeline"
import { TenantSchemas, TenantStats, TenantStore } from "@bulkhead/storage"
import { type Tenant, type TenantStatus, withTenant } from "@bulkhead/tenancy"
import { Cause, Clock, Deferred, Effect, Random, Schedule } from "effect"
import { provePublishing } from "../accounts/provePublishing.ts"
import { TenantAccounts } from "../accounts/TenantAccounts.ts"
import { CoreConfig } from "../CoreConfig.ts"
import { CoreMetrics } from "../CoreMetrics.ts"
import { runEventWriter } from "../lanes/EventWriter.ts"
import { watchLanes } from "../lanes/watchLanes.ts"
import { TenantStreams } from "../streams/TenantStreams.ts"
import { eraseTenant } from "./eraseTenant.ts"

const PAUSE_MS_MIN = 100
const PAUSE_MS_MAX = 10_000
/** A lane that ran this long was healthy: its next failure starts with a short pause again. */
const HEALTHY_MS = 30_000

/** What can be seen of an actor from outside. */
export interface ActorState extends LaneProgress {
  tenant: Tenant
  /** The registry's view: `active` while the lane runs, `degraded` while it waits for its next try. */
  status: TenantStatus
  restarts: number
  lastError: string | undefined
}

export const initialState = (tenant: Tenant): ActorState => ({
  tenant,
  status: "provisioning",
  rowsWritten: 0,
  deadLetters: 0,
  lastCommitAtMs: undefined,
  lag: undefined,
  quota: undefined,
  restarts: 0,
  lastError: undefined
})

const isInForce = ({ generation, appliedGeneration, status }: Tenant): boolean =>
  appliedGeneration >= generation && status !== "provisioning"

/** Schema, role and stream. */
const provisionStorage = Effect.fn("TenantActor.provisionStorage")(function* (tenant: Tenant, mode: PrefixMode) {
  yield* (yield* TenantSchemas).provision(tenant.slug)
  // Before the stream is looked at: see seatLane.
  const lanes = yield* (yield* TenantStats).lanes(tenant.slug)
  const stream = yield* (yield* TenantStreams).ensure(tenant, mode, lanes)
  return stream === undefined ? undefined : { source: { ...stream, mode }, lanes }
})

const ensureAccount = Effect.fn("TenantActor.ensureAccount")(function* (tenant: Tenant) {
  if (!isInForce(tenant)) yield* (yield* TenantAccounts).ensure(tenant)
})

/** What the record wants is in force once a client that may get in reaches the stream. */
const settle = Effect.fn("TenantActor.settle")(function* (state: ActorState) {
  const { tenant } = state
  if (isInForce(tenant)) return
  if (tenant.status !== "suspended" && tenant.slug !== DEFAULT_TENANT) yield* provePublishing(tenant)
  state.tenant = yield* (yield* TenantStore).applied(tenant.slug, tenant.generation)
})

const accountBackoff = Schedule.min([Schedule.exponential(PAUSE_MS_MIN), Schedule.spaced(PAUSE_MS_MAX)]).pipe(
  Schedule.jittered
)

/**
 * For a tenant that works already: a signer that is away delays what was asked for, and not the tenant's lane. Nor do
 * its clients wait for PostgreSQL to be cut; but all is in force only once it is `stored` too.
 */
const followAccount = (state: ActorState, stored: Deferred.Deferred<void>) =>
  ensureAccount(state.tenant).pipe(
    Effect.andThen(Deferred.await(stored)),
    Effect.andThen(settle(state)),
    Effect.tapError((error) => {
      state.lastError = error.message
      return Effect.logWarning("what was asked for the tenant waits", { problem: error.message })
    }),
    Effect.retry(accountBackoff)
  )

/** All the walls of a tenant; those of NATS and of PostgreSQL at the same time. */
const provision = Effect.fn("TenantActor.provision")(function* (state: ActorState, mode: PrefixMode) {
  if (state.tenant.status !== "provisioning") {
    const stored = yield* Deferred.make<void>()
    yield* Effect.forkScoped(followAccount(state, stored))
    const provisioned = yield* provisionStorage(state.tenant, mode)
    yield* Deferred.succeed(stored, undefined)
    return provisioned
  }
  const storage = provisionStorage(state.tenant, mode)
  const [provisioned] = yield* Effect.all([storage, ensureAccount(state.tenant)], { concurrency: 2 })
  yield* settle(state)
  return provisioned
})

const live = Effect.fnUntraced(function* (state: ActorState, mode: PrefixMode) {
  if (state.tenant.status === "deleting") {
    const report = yield* eraseTenant(state.tenant)
    yield* Effect.logInfo("tenant erased", report)
    // Its record is gone: the registry ends this actor when it looks next.
    return yield* Effect.never
  }
  const provisioned = yield* provision(state, mode)
  state.status = state.tenant.status
  // In this mode the tenant has no subjects, and so nothing to write.
  if (provisioned === undefined) return yield* Effect.never
  if ((yield* CoreConfig).eventWriter === "off") return yield* watchLanes(state.tenant, state)
  return yield* runEventWriter(state.tenant, provisioned.source, provisioned.lanes, state)
})

const pauseMs = (failures: number) =>
  Effect.map(Random.next, (jitter) => Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** (failures - 1)) * (0.5 + jitter / 2))

/** Runs the actor until it is interrupted. It never fails: its failures are in `state`, in the log and in metrics. */
export const runTenantActor = (state: ActorState, mode: PrefixMode) =>
  Effect.gen(function* () {
    for (let failures = 1; ; failures += 1) {
      const startedAt = yield* Clock.currentTimeMillis
      const cause = yield* Effect.scoped(live(state, mode)).pipe(Effect.sandbox, Effect.flip)
      if (Cause.hasInterruptsOnly(cause)) return yield* Effect.interrupt
      if ((yield* Clock.currentTimeMillis) - startedAt >= HEALTHY_MS) failures = 1
      state.lag = undefined
      // What is wanted is more telling than that it is not done yet.
      state.status = state.tenant.status === "active" ? "degraded" : state.tenant.status
      state.restarts += 1
      ;(yield* CoreMetrics).restarted(state.tenant.slug)
      state.lastError = messageOf(cause)
      const pause = yield* pauseMs(failures)
      const details = { problem: state.lastError, pauseMs: Math.round(pause), restarts: state.restarts }
      // A cause may quote rows; only a fault of ours, which nobody foresaw, is worth its stack.
      if (Cause.hasDies(cause)) yield* Effect.logError("tenant actor restarts after a defect", details, cause)
      else yield* Effect.logWarning("tenant actor restarts", details)
      yield* Effect.sleep(pause)
    }
  }).pipe(withTenant(state.tenant))

const messageOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}
