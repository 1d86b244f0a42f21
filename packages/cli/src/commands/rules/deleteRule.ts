/**
 * `bulkhead rules delete`: removes a rule with its revisions, or a group.
 */

import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { changeCore } from "../../core/askCore.ts"
import { confirmUnlessDry, yes } from "../../options/confirm.ts"
import { dryRun } from "../../options/dryRun.ts"
import { tenant } from "../../options/tenant.ts"
import { print } from "../../output/print.ts"
import { renderRules } from "./ruleOptions.ts"

export const deleteRule = Command.make(
  "delete",
  {
    tenant,
    name: Argument.String("name").pipe(Argument.withDescription("Of the rule or, with --group, of the group")),
    isGroup: Flag.Boolean("group").pipe(
      Flag.withDefault(false),
      Flag.withDescription("Delete the group of this name; its rules stay")
    ),
    dryRun,
    yes
  },
  Effect.fnUntraced(function* ({ tenant: slug, name, isGroup, dryRun, yes }) {
    const what = isGroup ? `group "${name}"` : `rule "${name}" with all its revisions`
    const ask = yield* changeCore(dryRun)
    yield* confirmUnlessDry(`Deleting ${what} of "${slug}"`, { yes, dryRun })
    const left = yield* ask((core) =>
      isGroup
        ? core.rules.deleteGroup({ params: { slug, group: name } })
        : core.rules.delete({ params: { slug, rule: name } })
    )
    yield* print(left, renderRules)
  })
).pipe(
  Command.withDescription("Delete a rule with its revisions, or a group"),
  Command.withExamples([
    { command: "bulkhead rules delete acme mark", description: "Asks first" },
    { command: "bulkhead rules delete acme health --group --yes", description: "A group; its rules stay" }
  ])
)
