/**
 * What the platform's flags mean for publishers and consumers.
 */
import type { PrefixMode, TenantSlug } from "@bulkhead/channels"
import { Effect } from "effect"
import { Flags } from "./Flags.ts"
import { PREFIX_MODE, TENANT_PREFIX_ENABLED } from "./platformFlags.ts"

/** Whether this tenant's messages are published under its prefix now. */
export const prefixEnabled = (tenant: TenantSlug): Effect.Effect<boolean, never, Flags> =>
  Flags.use((flags) => flags.get(TENANT_PREFIX_ENABLED, tenant))

/** How consumers treat the prefix now. */
export const prefixMode: Effect.Effect<PrefixMode, never, Flags> = Flags.use((flags) =>
  Effect.gen(function* () {
    const mode = yield* flags.get(PREFIX_MODE)
    if (mode !== "auto") return mode
    return (yield* flags.get(TENANT_PREFIX_ENABLED)) ? "prefixed" : "legacy"
  })
)
