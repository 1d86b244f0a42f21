/**
 * A health report as the OCSF event that the platform's readers know: class 1008 (event log activity), version 1.7.0,
 * the states in `unmapped`.
 */
import { CHANNELS } from "@bulkhead/channels"
import type { Check } from "./Check.ts"
import type { Health, HealthReport } from "./HealthState.ts"

/** The base subject of these events. */
export const HEALTH_SUBJECT = CHANNELS.pollerHealth.subject

const severities: Readonly<Record<Health, readonly [number, string]>> = {
  healthy: [1, "Informational"],
  degraded: [3, "Medium"],
  unhealthy: [5, "Critical"],
  unknown: [0, "Unknown"]
}

/** Who reports. */
export interface Reporter {
  readonly gatewayId: string
  readonly partition: string
}

const textOf = (check: Check, report: HealthReport): string => {
  const state = report.kind === "change" ? `went from ${report.previous} to ${report.current}` : `is ${report.current}`
  return `${check.name} ${state}${report.problem === undefined ? "" : `: ${report.problem}`}`
}

/** The event; `id` is also the id under which it is published, so that a repeat is recognised. */
export const healthEvent = (check: Check, report: HealthReport, reporter: Reporter, id: string, time: Date) => {
  const [severityId, severity] = severities[report.current]
  return {
    id,
    time: time.toISOString(),
    class_uid: 1008,
    category_uid: 1,
    type_uid: 100_801,
    activity_id: 1,
    activity_name: "Create",
    severity_id: severityId,
    severity,
    message: textOf(check, report),
    status_id: report.current === "unhealthy" ? 2 : 1,
    status: report.current === "unhealthy" ? "Failure" : "Success",
    ...(report.problem === undefined ? {} : { status_detail: report.problem }),
    metadata: {
      version: "1.7.0",
      product: { vendor_name: "Bulkhead", name: "poller" },
      logged_time: time.toISOString()
    },
    log_name: HEALTH_SUBJECT,
    log_provider: reporter.gatewayId,
    unmapped: {
      gateway_id: reporter.gatewayId,
      partition: reporter.partition,
      check: check.name,
      target: check.type === "http" ? check.url : `${check.host}:${check.port}`,
      report: report.kind,
      previous_state: report.previous,
      current_state: report.current,
      duration_ms: report.durationMs
    }
  }
}
