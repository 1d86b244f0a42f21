import { isTenantSlug } from "@bulkhead/channels"
import type { FlagChange } from "@bulkhead/core/api"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type CommandFailed, failed } from "../../CommandFailed.ts"
import { EXIT } from "../../ExitCode.ts"

/** One tenant where it is named, else everyone. */
export const flagTarget = (tenant: Option.Option<string>): Effect.Effect<FlagChange["target"], CommandFailed> => {
  if (Option.isNone(tenant)) return Effect.succeed({ kind: "everyone" })
  return isTenantSlug(tenant.value)
    ? Effect.succeed({ kind: "tenant", tenant: tenant.value })
    : failed(EXIT.usage, `--tenant "${tenant.value}" is no slug`, "List them with bulkhead tenants list")
}
