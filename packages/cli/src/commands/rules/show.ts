/**
 * `bulkhead rules show`: one rule with its revisions and the text of one.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { askCore } from "../../core/askCore.ts"
import { tenant } from "../../options/tenant.ts"
import { fields } from "../../output/fields.ts"
import { print } from "../../output/print.ts"
import { table } from "../../output/table.ts"
import { time } from "../../output/units.ts"
import { rule } from "./ruleOptions.ts"

export const show = Command.make(
  "show",
  {
    tenant,
    rule,
    revision: Flag.Int("revision").pipe(
      Flag.optional,
      Flag.withDescription("Show this one's text; without, that of the one in force")
    )
  },
  Effect.fnUntraced(function* ({ tenant: slug, rule, revision }) {
    const ask = yield* askCore
    const query = Option.isNone(revision) ? {} : { revision: revision.value }
    const found = yield* ask((core) => core.rules.get({ params: { slug, rule }, query }))
    yield* print(found, (found) =>
      [
        fields([
          ["rule", found.name],
          ["what it does", found.description],
          ["state", found.isEnabled ? "enabled" : "disabled"],
          ["revision", found.revision],
          ["result", found.result]
        ]),
        "",
        table(
          [
            { title: "revision", cell: ({ revision }) => String(revision), align: "right" },
            { title: "result", cell: ({ result }) => result },
            { title: "stored", cell: ({ createdAt }) => time(createdAt) },
            { title: "", cell: ({ revision }) => (revision === found.revision ? "in force" : "") }
          ],
          found.revisions,
          "There are no revisions"
        ),
        "",
        `Revision ${found.shown}:`,
        JSON.stringify(found.content, undefined, 2)
      ].join("\n")
    )
  })
).pipe(
  Command.withDescription("Show a rule with its revisions, and the text of one"),
  Command.withExamples([
    { command: "bulkhead rules show acme cef_severity", description: "As it is in force" },
    {
      command: "bulkhead rules show acme cef_severity --revision 1 --json",
      description: "For a program; the JDM is `content`"
    }
  ])
)
