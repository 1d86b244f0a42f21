/**
 * `bulkhead rules enable` and `disable`: whether a rule runs where it stands.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { changeCore } from "../../core/askCore.ts"
import { dryRun } from "../../options/dryRun.ts"
import { tenant } from "../../options/tenant.ts"
import { print } from "../../output/print.ts"
import { renderChange, rule } from "./ruleOptions.ts"

export const enable = Command.make(
  "enable",
  { tenant, rule, dryRun },
  Effect.fnUntraced(function* ({ tenant: slug, rule, dryRun }) {
    const ask = yield* changeCore(dryRun)
    yield* print(yield* ask((core) => core.rules.enable({ params: { slug, rule } })), renderChange)
  })
).pipe(
  Command.withDescription("Let a rule run again"),
  Command.withExamples([{ command: "bulkhead rules enable acme mark", description: "Where it stands in its groups" }])
)

export const disable = Command.make(
  "disable",
  { tenant, rule, dryRun },
  Effect.fnUntraced(function* ({ tenant: slug, rule, dryRun }) {
    const ask = yield* changeCore(dryRun)
    yield* print(yield* ask((core) => core.rules.disable({ params: { slug, rule } })), renderChange)
  })
).pipe(
  Command.withDescription("Let a rule run no more; it keeps its place"),
  Command.withExamples([{ command: "bulkhead rules disable acme mark", description: "The others go on" }])
)
