/**
 * The first tokens of base subjects. They are what makes a subject unambiguous: a subject that starts with a root has
 * no tenant prefix, and no tenant may be called like a root (docs/adr/0006). Adding one is a breaking change.
 *
 * No roots: `health`, `traces` and `internal`, which stand only deeper (`events.poller.health`, `otel.traces`,
 * `logs.internal.jobs`) but are reserved as slugs, so that they can become roots; and `serviceradar`, whose
 * `serviceradar.tenants.lifecycle.*` belongs to the platform and to no tenant.
 *
 * Their order shows in the configuration of streams: keep it alphabetical. "read" marks roots that nothing publishes
 * under yet, but which the stack that Bulkhead works with reads after a slug, so that its services may.
 */
export const ROOTS = [
  "agents", // read
  "alerts", // read
  "arancini", // BGP updates
  "checkers", // read
  "devices", // read
  "events", // OCSF events, poller health
  "flows", // raw flows of newer collectors
  "gateways", // read
  "logs", // syslog, traps, OTLP logs, the platform's own logs about a tenant
  "metrics", // read
  "netflow", // flows of older collectors
  "otel", // traces and metrics
  "snmp", // traps, older name
  "sweep", // results of network sweeps
  "telemetry" // time series samples
] as const

export type Root = (typeof ROOTS)[number]

const roots: ReadonlySet<string> = new Set(ROOTS)

export const isRoot = (token: string): token is Root => roots.has(token)
