/**
 * `bulkhead rules rollback`: puts a revision that is there into force.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { changeCore } from "../../core/askCore.ts"
import { dryRun } from "../../options/dryRun.ts"
import { tenant } from "../../options/tenant.ts"
import { print } from "../../output/print.ts"
import { renderChange, rule } from "./ruleOptions.ts"

export const rollback = Command.make(
  "rollback",
  {
    tenant,
    rule,
    revision: Argument.Int("revision").pipe(Argument.withDescription("As `rules show` lists them")),
    dryRun
  },
  Effect.fnUntraced(function* ({ tenant: slug, rule, revision, dryRun }) {
    const ask = yield* changeCore(dryRun)
    const payload = { revision }
    yield* print(yield* ask((core) => core.rules.rollBack({ params: { slug, rule }, payload })), renderChange)
  })
).pipe(
  Command.withDescription("Put a revision of a rule into force; the others stay"),
  Command.withExamples([{ command: "bulkhead rules rollback acme mark 1", description: "The first again" }])
)
