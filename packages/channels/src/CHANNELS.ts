/**
 * The standard channels of the platform: which base subject carries what, who publishes it and who reads it. The
 * subjects are those of the collectors and services of the stack that Bulkhead works with, so that they need no change.
 */

/** One standard channel. */
export interface Channel {
  /** Base subject, or a pattern where the last tokens vary. */
  readonly subject: string
  /** `tenant`: travels under the tenant's prefix. `platform`: is as it is and belongs to the operator. */
  readonly scope: "tenant" | "platform"
  readonly publisher: string
  readonly readers: ReadonlyArray<string>
  readonly payload: string
}

const tenant = (subject: string, publisher: string, readers: ReadonlyArray<string>, payload: string): Channel => ({
  subject,
  scope: "tenant",
  publisher,
  readers,
  payload
})

/** Every standard channel, by a name of its own. */
export const CHANNELS = {
  pollerHealth: tenant("events.poller.health", "poller", ["core"], "OCSF event, JSON"),
  ocsfEvents: tenant("events.ocsf.processed", "core, gateways", ["core", "db-event-writer"], "OCSF event, JSON"),
  events: tenant("events.>", "any", ["core"], "OCSF event, JSON"),
  syslog: tenant("logs.syslog", "flowgger", ["zen"], "GELF 1.1, JSON"),
  syslogProcessed: tenant("logs.syslog.processed", "zen", ["db-event-writer"], "GELF 1.1 after rules, JSON"),
  snmpTraps: tenant("logs.snmp", "trapd", ["zen"], "SNMP trap, JSON"),
  snmpTrapsProcessed: tenant("logs.snmp.processed", "zen", ["db-event-writer"], "SNMP trap after rules, JSON"),
  otelLogs: tenant("logs.otel", "otel", ["zen"], "ExportLogsServiceRequest, protobuf"),
  otelLogsProcessed: tenant("logs.otel.processed", "zen", ["db-event-writer"], "log records after rules, JSON"),
  internalHealthLogs: tenant("logs.internal.health", "core", ["zen"], "log record, JSON"),
  internalJobLogs: tenant("logs.internal.jobs", "core", ["zen"], "log record, JSON"),
  internalOnboardingLogs: tenant("logs.internal.onboarding", "core", ["zen"], "log record, JSON"),
  internalAuditLogs: tenant("logs.internal.audit", "core", ["zen"], "log record, JSON"),
  internalSweepLogs: tenant("logs.internal.sweep", "core", ["zen"], "log record, JSON"),
  internalInfrastructureLogs: tenant("logs.internal.infrastructure.*", "core", ["zen"], "log record, JSON"),
  internalLogsProcessed: tenant(
    "logs.internal.*.processed",
    "zen",
    ["db-event-writer"],
    "log record after rules, JSON"
  ),
  otelTraces: tenant("otel.traces", "otel", ["db-event-writer"], "ExportTraceServiceRequest, protobuf"),
  otelMetrics: tenant("otel.metrics", "otel", ["db-event-writer"], "array of metrics derived from spans, JSON"),
  otelMetricsRaw: tenant(
    "otel.metrics.raw",
    "otel",
    ["zen", "db-event-writer"],
    "ExportMetricsServiceRequest, protobuf"
  ),
  netflow: tenant("netflow.>", "flow collectors", ["netflow-consumer"], "flow record, JSON or protobuf"),
  netflowEvents: tenant("events.netflow", "netflow collector", ["netflow-consumer"], "FlowMessage, protobuf"),
  rawNetflow: tenant("flows.raw.netflow", "flow-collector", ["netflow-consumer"], "FlowMessage, protobuf"),
  rawSflow: tenant("flows.raw.sflow", "flow-collector", ["netflow-consumer"], "FlowMessage, protobuf"),
  telemetry: tenant("telemetry.>", "agents", ["db-event-writer"], "time series sample, JSON"),
  sweep: tenant("sweep.>", "agents", ["db-event-writer"], "sweep result, JSON"),
  snmp: tenant("snmp.traps", "agents", ["db-event-writer"], "SNMP trap, JSON"),
  bgpUpdates: tenant("arancini.updates.>", "arancini", ["db-event-writer"], "BGP update, JSON"),
  tenantLifecycle: {
    subject: "serviceradar.tenants.lifecycle.*",
    scope: "platform",
    publisher: "core",
    readers: ["workload operator"],
    payload: "tenant change, JSON"
  }
} as const satisfies Readonly<Record<string, Channel>>
