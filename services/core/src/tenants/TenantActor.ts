/**
 * One tenant's life in this process: provision it, then run its lane; on any failure do both again after a pause that
 * grows. Both are idempotent, so an actor never needs to know how far it got before.
 */
import type { PrefixMode } from "@bulkhead/channels"
import { ensureStream, tenantStreamConfig } from "@bulkhead/nats"
import { TenantSchemas, TenantStats, TenantStore } from "@bulkhead/storage"
import { type Tenant, type TenantStatus, withTenant } from "@bulkhead/tenancy"
import { Cause, Clock, Effect, Random } from "effect"
import { CoreConfig } from "../CoreConfig.ts"
import { CoreMetrics } from "../CoreMetrics.ts"
import { runEventWriter } from "../lanes/EventWriter.ts"
import type { LaneProgress } from "../lanes/LaneProgress.ts"

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
  restarts: 0,
  lastError: undefined
})

const provision = Effect.fn("TenantActor.provision")(function* (state: ActorState, mode: PrefixMode) {
  const config = yield* CoreConfig
  const { slug } = state.tenant
  yield* (yield* TenantSchemas).provision(slug)
  // Before the stream is looked at: see seatLane.
  const lanes = yield* (yield* TenantStats).lanes(slug)
  const stream = tenantStreamConfig({
    tenant: slug,
    mode,
    limits: { maxBytes: config.streamBytesMax, maxAgeMs: config.streamAgeMaxMs }
  })
  const incarnation = stream === undefined ? undefined : yield* ensureStream(stream)
  if (state.tenant.status === "provisioning") {
    state.tenant = yield* (yield* TenantStore).setStatus(slug, "active")
  }
  return incarnation === undefined ? undefined : { source: { ...incarnation, mode }, lanes }
})

const live = Effect.fnUntraced(function* (state: ActorState, mode: PrefixMode) {
  const provisioned = yield* provision(state, mode)
  state.status = "active"
  // In this mode the tenant has no subjects, and so nothing to write.
  if (provisioned === undefined) return yield* Effect.never
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
      state.status = state.tenant.status === "provisioning" ? "provisioning" : "degraded"
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
