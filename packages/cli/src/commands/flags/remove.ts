/**
 * `bulkhead flags remove`: takes a value away; what stands behind it holds again.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { failed } from "../../CommandFailed.ts"
import { EXIT } from "../../ExitCode.ts"
import { dryRun } from "../../options/dryRun.ts"
import { changeFlag } from "./changeFlag.ts"
import { forTenant, key } from "./flagOptions.ts"
import { flagTarget } from "./flagTarget.ts"

export const remove = Command.make(
  "remove",
  {
    key,
    tenant: forTenant,
    rollout: Flag.Boolean("rollout").pipe(Flag.withDefault(false), Flag.withDescription("The value of the rollout")),
    dryRun
  },
  Effect.fnUntraced(function* ({ key, tenant, rollout, dryRun }) {
    if (rollout && Option.isSome(tenant)) {
      return yield* failed(EXIT.usage, "--rollout and --tenant are two different values", "Remove them one by one")
    }
    yield* changeFlag(key, { target: rollout ? { kind: "rollout" } : yield* flagTarget(tenant), value: null }, dryRun)
  })
).pipe(
  Command.withDescription("Take a flag's value for everyone, a tenant or the rollout away"),
  Command.withExamples([
    {
      command: "bulkhead flags remove NATS_TENANT_PREFIX_ENABLED --tenant acme",
      description: "What holds for all holds for acme"
    }
  ])
)
