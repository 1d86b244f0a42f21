/**
 * The first tokens of base subjects. They are what makes a subject unambiguous: a subject that starts with a root has
 * no tenant prefix, and no tenant may be called like a root (docs/adr/0006). Adding one is a breaking change.
 */
export const ROOTS = [
  "agents",
  "alerts",
  "arancini",
  "checkers",
  "devices",
  "events",
  "flows",
  "gateways",
  "logs",
  "metrics",
  "netflow",
  "otel",
  "snmp",
  "sweep",
  "telemetry"
] as const

export type Root = (typeof ROOTS)[number]
