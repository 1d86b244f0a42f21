/**
 * `bulkhead flags get`: one flag, what holds and why.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { askCore } from "../../core/askCore.ts"
import { print } from "../../output/print.ts"
import { forTenant, key, renderFlag, tenantQuery } from "./flagOptions.ts"

export const get = Command.make(
  "get",
  { key, tenant: forTenant },
  Effect.fnUntraced(function* ({ key, tenant }) {
    const ask = yield* askCore
    const flag = yield* ask((core) => core.flags.get({ params: { key }, query: tenantQuery(tenant) }))
    yield* print(flag, renderFlag)
  })
).pipe(
  Command.withDescription("Show one flag: what holds, and what is said for everyone, a share and single tenants"),
  Command.withExamples([
    { command: "bulkhead flags get NATS_TENANT_PREFIX_MODE --tenant acme", description: "What holds for acme" }
  ])
)
