/**
 * `bulkhead rules put`: stores a revision of a rule and puts it into force.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { changeCore } from "../../core/askCore.ts"
import { dryRun } from "../../options/dryRun.ts"
import { tenant } from "../../options/tenant.ts"
import { print } from "../../output/print.ts"
import { readModel, renderChange, result, rule } from "./ruleOptions.ts"

export const put = Command.make(
  "put",
  {
    tenant,
    rule,
    file: Flag.String("file").pipe(
      Flag.withMetavar("<path>"),
      Flag.withDescription("The rule as the GoRules editor saves it, - for standard input")
    ),
    result,
    description: Flag.String("description").pipe(
      Flag.optional,
      Flag.withMetavar("<text>"),
      Flag.withDescription("What it does")
    ),
    group: Flag.String("group").pipe(
      Flag.optional,
      Flag.withMetavar("<group>"),
      Flag.withDescription("Let it run last in this group, where it is not in it yet")
    ),
    dryRun
  },
  Effect.fnUntraced(function* ({ tenant: slug, rule, file, result, description, group, dryRun }) {
    const content = yield* readModel(file)
    const ask = yield* changeCore(dryRun)
    const payload = {
      content,
      result,
      ...(Option.isNone(description) ? {} : { description: description.value }),
      ...(Option.isNone(group) ? {} : { group: group.value })
    }
    yield* print(yield* ask((core) => core.rules.put({ params: { slug, rule }, payload })), renderChange)
  })
).pipe(
  Command.withDescription("Store a revision of a rule, and put it into force"),
  Command.withExamples([
    {
      command: "bulkhead rules put acme mark --file mark.json --group syslog",
      description: "A new rule, last of those that run on syslog"
    },
    { command: "bulkhead rules put acme mark --file mark.json --result replace", description: "Another revision" }
  ])
)
