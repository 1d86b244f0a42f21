/**
 * Arguments that commands about rules share, and rules as people see them.
 */
import { readFileSync } from "node:fs"
import type { RuleChange, RuleState, TenantRulesState } from "@bulkhead/core/api"
import { Jdm } from "@bulkhead/rules"
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { failed } from "../../CommandFailed.ts"
import { EXIT } from "../../ExitCode.ts"
import { fields } from "../../output/fields.ts"
import { table } from "../../output/table.ts"
import { time } from "../../output/units.ts"

export const rule = Argument.String("rule").pipe(Argument.withDescription("Its name, as `rules list` shows it"))

export const group = Argument.String("group").pipe(Argument.withDescription("Its name, as `rules list` shows it"))

export const result = Flag.Literals("result", ["overlay", "replace"]).pipe(
  Flag.withDefault("overlay"),
  Flag.withDescription("Whether the rule's result is laid over the message or is the message from there on")
)

/** What a file holds, `-` for standard input. */
export const readText = (path: string) =>
  Effect.try({
    try: () => readFileSync(path === "-" ? 0 : path, "utf8"),
    catch: (error) => failed(EXIT.usage, `"${path}" cannot be read: ${error instanceof Error ? error.message : error}`)
  })

const decodeModel = Schema.decodeUnknownEffect(Schema.fromJsonString(Jdm))

/** A rule from a file. */
export const readModel = Effect.fnUntraced(function* (path: string) {
  const text = yield* readText(path)
  return yield* Effect.mapError(decodeModel(text), (error) =>
    failed(
      EXIT.usage,
      `"${path}" is no rule: ${error.message.replaceAll(/\s+/g, " ")}`,
      "Save it with the GoRules editor, or start from one that bulkhead rules show gives"
    )
  )
})

const inForce = (isPublished: boolean): string =>
  isPublished ? "in force" : "stored; it will be in force when core reaches NATS"

/** The one line that a change of a rule comes to. */
export const renderChange = ({ name, revision, isEnabled, isPublished }: RuleChange): string =>
  `Rule "${name}" is at revision ${revision}, ${isEnabled ? "enabled" : "disabled"}; ${inForce(isPublished)}`

const groupsOf = ({ groups }: TenantRulesState, { name }: RuleState): string =>
  groups
    .filter(({ rules }) => rules.includes(name))
    .map((one) => `${one.name} ${one.rules.indexOf(name) + 1}`)
    .join(", ")

export const renderRules = (state: TenantRulesState): string =>
  [
    table(
      [
        { title: "group", cell: ({ name }) => name },
        { title: "subjects", cell: ({ subjects }) => subjects.join(", ") },
        { title: "format", cell: ({ format }) => format },
        { title: "rules, in order", cell: ({ rules }) => rules.join(", ") }
      ],
      state.groups,
      "There are no groups: raw logs pass through"
    ),
    "",
    table(
      [
        { title: "rule", cell: ({ name }) => name },
        { title: "revision", cell: ({ revision }) => String(revision), align: "right" },
        { title: "state", cell: ({ isEnabled }) => (isEnabled ? "enabled" : "disabled") },
        { title: "result", cell: ({ result }) => result },
        { title: "place", cell: (one) => groupsOf(state, one) },
        { title: "changed", cell: ({ updatedAt }) => time(updatedAt) },
        { title: "what it does", cell: ({ description }) => description }
      ],
      state.rules,
      "There are no rules"
    ),
    "",
    fields([["state", inForce(state.isPublished)]])
  ].join("\n")
