/**
 * The flags of the platform itself.
 */
import { booleanFlag, choiceFlag } from "./Flag.ts"

/** Whether publishers put the tenant before the subject. */
export const TENANT_PREFIX_ENABLED = booleanFlag({
  key: "NATS_TENANT_PREFIX_ENABLED",
  description: "Publishers send <tenant>.<subject> instead of <subject>",
  owner: "@bulkhead/nats",
  default: false
})

/** Which subjects consumers read. */
export const PREFIX_MODE = choiceFlag({
  key: "NATS_TENANT_PREFIX_MODE",
  description: "Which subjects consumers read; auto is prefixed where publishers prefix for everyone, else legacy",
  owner: "@bulkhead/nats",
  choices: ["auto", "prefixed", "legacy", "both"],
  default: "auto"
})

/** Every flag that the platform's own services read. */
export const platformFlags = [TENANT_PREFIX_ENABLED, PREFIX_MODE] as const
