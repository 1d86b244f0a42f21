/**
 * `bulkhead rules order`: which rules a group runs, and in which order.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { changeCore } from "../../core/askCore.ts"
import { dryRun } from "../../options/dryRun.ts"
import { tenant } from "../../options/tenant.ts"
import { print } from "../../output/print.ts"
import { group, renderRules } from "./ruleOptions.ts"

export const order = Command.make(
  "order",
  {
    tenant,
    group,
    rules: Argument.String("rule").pipe(
      Argument.withDescription("The rules that are to run, the first first; without any, none runs"),
      Argument.atLeast(0)
    ),
    subjects: Flag.String("subject").pipe(
      Flag.atLeast(0),
      Flag.withMetavar("<subject>"),
      Flag.withDescription("A raw subject that it decides on, logs.syslog; a new group needs one")
    ),
    format: Flag.Literals("format", ["json", "otlp_logs"]).pipe(
      Flag.optional,
      Flag.withDescription("How its messages are read")
    ),
    dryRun
  },
  Effect.fnUntraced(function* ({ tenant: slug, group, rules, subjects, format, dryRun }) {
    const ask = yield* changeCore(dryRun)
    const payload = {
      rules,
      ...(subjects.length === 0 ? {} : { subjects }),
      ...(Option.isNone(format) ? {} : { format: format.value })
    }
    yield* print(yield* ask((core) => core.rules.putGroup({ params: { slug, group }, payload })), renderRules)
  })
).pipe(
  Command.withDescription("Say which rules a group runs and in which order; a new group comes before the others"),
  Command.withExamples([
    { command: "bulkhead rules order acme syslog mark cef_severity", description: "These two, in this order" },
    {
      command: "bulkhead rules order acme health mark --subject logs.internal.health",
      description: "A group of its own for one subject"
    }
  ])
)
