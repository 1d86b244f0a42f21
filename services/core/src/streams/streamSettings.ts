/**
 * What streams may hold and how they are kept: from the environment, the tenant's plan and limits, and the file that
 * `CORE_STREAM_SETTINGS_FILE` names.
 */
import type { StreamSettings } from "@bulkhead/nats"
import type { Tenant } from "@bulkhead/tenancy"
import { Effect } from "effect"
import { CoreConfig } from "../CoreConfig.ts"
import { limitsInForce } from "../quotas/limitsInForce.ts"

/** Of a tenant's own stream. Its size is a limit of the tenant's. */
export const settingsOf = Effect.fnUntraced(function* (tenant: Tenant) {
  const { streamAgeMaxMs, streamSettings } = yield* CoreConfig
  const settings: StreamSettings = {
    maxAgeMs: streamAgeMaxMs,
    ...streamSettings.default,
    ...streamSettings.plans?.[tenant.plan],
    maxBytes: (yield* limitsInForce(tenant)).streamBytes
  }
  return settings
})

/** Of the stream that all tenants share. */
export const sharedSettings: Effect.Effect<StreamSettings, never, CoreConfig> = Effect.map(
  CoreConfig,
  ({ streamAgeMaxMs, sharedStreamBytesMax, streamSettings }) => ({
    maxAgeMs: streamAgeMaxMs,
    ...streamSettings.default,
    ...streamSettings.shared,
    maxBytes: sharedStreamBytesMax
  })
)
