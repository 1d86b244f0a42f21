/**
 * The health of one target, as a pure state machine: observations in, reports out.
 *
 * `unknown` until the first answer or enough failures; `healthy` after a good answer; `degraded` after a good one that
 * took longer than `slowMs`; `unhealthy` after `failuresBeforeDown` failures in a row.
 */
import type { Check } from "./Check.ts"
import type { Observation } from "./probe.ts"

export type Health = "unknown" | "healthy" | "degraded" | "unhealthy"

/** What to tell the world. */
export interface HealthReport {
  readonly kind: "change" | "heartbeat"
  readonly previous: Health
  readonly current: Health
  readonly problem?: string
  readonly durationMs: number
}

export interface HealthState {
  readonly health: Health
  readonly failures: number
  /** When it was last reported, milliseconds of the clock. */
  readonly reportedAtMs: number
}

export const initialHealth: HealthState = { health: "unknown", failures: 0, reportedAtMs: 0 }

const healthAfter = (state: HealthState, failures: number, check: Check, seen: Observation): Health => {
  if (failures === 0) return seen.durationMs > check.slowMs ? "degraded" : "healthy"
  return failures >= check.failuresBeforeDown ? "unhealthy" : state.health
}

/** The next state, and what is to be reported of it: a change always, a heartbeat when one is due. */
export const observe = (
  state: HealthState,
  check: Check,
  seen: Observation,
  nowMs: number
): readonly [HealthState, HealthReport | undefined] => {
  const failures = seen.problem === undefined ? 0 : state.failures + 1
  const health = healthAfter(state, failures, check, seen)
  const isChange = health !== state.health
  const isHeartbeat = health !== "unknown" && nowMs - state.reportedAtMs >= check.heartbeatMs
  if (!isChange && !isHeartbeat) return [{ ...state, health, failures }, undefined]
  const report = { previous: state.health, current: health, durationMs: seen.durationMs }
  const problem = seen.problem === undefined ? {} : { problem: seen.problem }
  return [
    { health, failures, reportedAtMs: nowMs },
    { kind: isChange ? "change" : "heartbeat", ...report, ...problem }
  ]
}
