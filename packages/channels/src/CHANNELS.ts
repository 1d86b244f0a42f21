/**
 * The standard channels of the platform: which base subject carries what, who publishes it and who reads it. The
 * subjects are those of the collectors and services of the stack that Bulkhead works with, so that they need no change.
 *
 * `zen` reads exact subjects and publishes `<subject>.processed`; no subject it reads takes in one it publishes, or it
 * would read its own output for ever.
 */

/** One standard channel; its name is its key in `CHANNELS`. */
export interface Channel {
  /** Base subject, or a pattern where the last tokens vary. */
  readonly subject: string
  /** `tenant`: travels under the tenant's prefix. `platform`: is as it is and belongs to the operator. */
  readonly scope: "tenant" | "platform"
  readonly publisher: string
  /** Empty where the message is stored in the stream and no service reads it. */
  readonly readers: ReadonlyArray<string>
  readonly payload: string
}

const tenant = <const Subject extends string>(
  subject: Subject,
  publisher: string,
  readers: ReadonlyArray<string>,
  payload: string
) => ({ subject, scope: "tenant" as const, publisher, readers, payload })

/** Logs that core writes about a tenant, before and after zen's rules. */
const internalLog = <const Subject extends string>(subject: Subject) =>
  tenant(subject, "core", ["zen"], "OCSF-like log record, JSON")
const processedLog = <const Subject extends string>(subject: Subject, payload: string) =>
  tenant(subject, "zen", ["core", "db-event-writer"], payload)

/** Every standard channel, by a name of its own. */
export const CHANNELS = {
  pollerHealth: tenant("events.poller.health", "poller", ["core"], "OCSF event, JSON"),
  ocsfEvents: tenant("events.ocsf.processed", "core", ["core", "db-event-writer"], "OCSF event, JSON"),
  events: tenant("events.>", "any", ["core"], "OCSF event, JSON"),

  syslog: tenant("logs.syslog", "flowgger", ["zen"], "GELF 1.1, JSON"),
  syslogProcessed: processedLog("logs.syslog.processed", "GELF 1.1 after rules, JSON"),
  snmpTraps: tenant("logs.snmp", "trapd", ["zen"], "SNMP trap, JSON"),
  snmpTrapsProcessed: processedLog("logs.snmp.processed", "SNMP trap after rules, JSON"),
  otelLogs: tenant("logs.otel", "otel", ["zen"], "ExportLogsServiceRequest, protobuf"),
  otelLogsProcessed: processedLog("logs.otel.processed", "log record after rules, or an array of them, JSON"),
  otelLogsUnderOtel: tenant("otel.logs", "otel, where so configured", [], "ExportLogsServiceRequest, protobuf"),

  internalHealthLogs: internalLog("logs.internal.health"),
  internalJobLogs: internalLog("logs.internal.jobs"),
  internalOnboardingLogs: internalLog("logs.internal.onboarding"),
  internalAuditLogs: internalLog("logs.internal.audit"),
  internalSweepLogs: internalLog("logs.internal.sweep"),
  internalLogsProcessed: processedLog("logs.internal.*.processed", "log record after rules, JSON"),
  infrastructureStateLogs: internalLog("logs.internal.infrastructure.state_change"),
  infrastructureRegistrationLogs: internalLog("logs.internal.infrastructure.registered"),
  infrastructureDeregistrationLogs: internalLog("logs.internal.infrastructure.deregistered"),
  infrastructureHealthLogs: internalLog("logs.internal.infrastructure.health_change"),
  infrastructureHeartbeatLogs: internalLog("logs.internal.infrastructure.heartbeat_timeout"),
  infrastructureLogsProcessed: processedLog("logs.internal.infrastructure.*.processed", "log record after rules, JSON"),

  otelTraces: tenant("otel.traces", "otel", ["core", "db-event-writer"], "ExportTraceServiceRequest, protobuf"),
  otelMetrics: tenant("otel.metrics", "otel", ["core", "db-event-writer"], "array of metrics derived from spans, JSON"),
  otelMetricsRaw: tenant(
    "otel.metrics.raw",
    "otel",
    ["zen", "core", "db-event-writer"],
    "ExportMetricsServiceRequest, protobuf"
  ),
  otelMetricsRawProcessed: tenant("otel.metrics.raw.processed", "zen", ["core"], "summary of metrics, JSON"),

  netflow: tenant("netflow.>", "flow collectors", ["netflow-consumer"], "flow record, JSON or protobuf"),
  netflowEvents: tenant("events.netflow", "netflow collector", ["netflow-consumer"], "FlowMessage, protobuf"),
  rawNetflow: tenant("flows.raw.netflow", "flow-collector", ["netflow-consumer"], "FlowMessage, protobuf"),
  rawSflow: tenant("flows.raw.sflow", "flow-collector", ["netflow-consumer"], "FlowMessage, protobuf"),

  telemetry: tenant("telemetry.>", "agents", ["core"], "time series sample, JSON"),
  sweep: tenant("sweep.>", "agents", ["core"], "sweep result, JSON"),
  bgpUpdates: tenant("arancini.updates.>", "arancini", ["core"], "BGP update, JSON"),

  // Older names of raw input, which the event writer passes over.
  syslogEvents: tenant("events.syslog", "collectors", [], "syslog message, JSON"),
  snmpEvents: tenant("events.snmp", "collectors", [], "SNMP trap, JSON"),
  snmpTrapsUnderSnmp: tenant("snmp.traps", "collectors", [], "SNMP trap, JSON"),

  tenantLifecycle: {
    subject: "serviceradar.tenants.lifecycle.*",
    scope: "platform",
    publisher: "core",
    readers: ["tenant-workload-operator"],
    payload: "tenant change, JSON"
  }
} as const satisfies Readonly<Record<string, Channel>>
