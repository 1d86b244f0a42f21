/**
 * `bulkhead rules list`: a tenant's groups and rules.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { askCore } from "../../core/askCore.ts"
import { tenant } from "../../options/tenant.ts"
import { print } from "../../output/print.ts"
import { renderRules } from "./ruleOptions.ts"

export const list = Command.make(
  "list",
  { tenant },
  Effect.fnUntraced(function* ({ tenant: slug }) {
    const ask = yield* askCore
    yield* print(yield* ask((core) => core.rules.list({ params: { slug } })), renderRules)
  })
).pipe(
  Command.withDescription("List a tenant's groups, and the rules that run in them"),
  Command.withExamples([{ command: "bulkhead rules list acme", description: "Those of acme" }])
)
