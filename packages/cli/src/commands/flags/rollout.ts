/**
 * `bulkhead flags rollout`: a value for a share of the tenants; whoever is in at 10 % stays in at 20 %.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { dryRun } from "../../options/dryRun.ts"
import { changeFlag } from "./changeFlag.ts"
import { key, value } from "./flagOptions.ts"

export const rollout = Command.make(
  "rollout",
  {
    key,
    value,
    percent: Flag.Finite("percent").pipe(Flag.withDescription("Share of the tenants, 0 to 100")),
    dryRun
  },
  Effect.fnUntraced(function* ({ key, value, percent, dryRun }) {
    yield* changeFlag(key, { target: { kind: "rollout", percent }, value }, dryRun)
  })
).pipe(
  Command.withDescription("Set a flag for a share of the tenants"),
  Command.withExamples([
    { command: "bulkhead flags rollout NATS_TENANT_PREFIX_ENABLED on --percent 10", description: "A tenth of them" }
  ])
)
