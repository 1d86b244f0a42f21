/**
 * `bulkhead flags set`: a value for everyone or for one tenant; services follow it within a second.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { dryRun } from "../../options/dryRun.ts"
import { changeFlag } from "./changeFlag.ts"
import { forTenant, key, value } from "./flagOptions.ts"
import { flagTarget } from "./flagTarget.ts"

export const set = Command.make(
  "set",
  { key, value, tenant: forTenant, dryRun },
  Effect.fnUntraced(function* ({ key, value, tenant, dryRun }) {
    yield* changeFlag(key, { target: yield* flagTarget(tenant), value }, dryRun)
  })
).pipe(
  Command.withDescription("Set a flag for everyone or for one tenant"),
  Command.withExamples([
    { command: "bulkhead flags set NATS_TENANT_PREFIX_ENABLED on --tenant acme", description: "For acme alone" },
    { command: "bulkhead flags set NATS_TENANT_PREFIX_MODE both --dry-run", description: "What would be sent" }
  ])
)
