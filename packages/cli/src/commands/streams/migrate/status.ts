/**
 * `bulkhead streams migrate status`: how far the migration is.
 */
import { type JournalEntry, phaseOf, readJournal, stepId } from "@bulkhead/migration"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { print } from "../../../output/print.ts"
import { table } from "../../../output/table.ts"
import { withMigration } from "./withMigration.ts"

const statusDocument = (entry: JournalEntry | undefined) =>
  entry === undefined
    ? { phase: "none" as const }
    : {
        phase: phaseOf(entry),
        id: entry.plan.id,
        holder: entry.holder === "" ? undefined : entry.holder,
        steps: entry.plan.steps.map((step) => {
          const id = stepId(step)
          const { state = "open", facts = {} } = entry.steps[id] ?? {}
          return { step: id, state, facts }
        })
      }

const factsText = (facts: Readonly<Record<string, unknown>>): string =>
  Object.entries(facts)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ")

const render = (document: ReturnType<typeof statusDocument>): string => {
  if (document.phase === "none") return "No migration is under way"
  const { id, phase, holder, steps } = document
  const head = `Migration ${id}: ${phase}${holder === undefined ? "" : `, ${holder} works on it`}`
  return `${head}\n${table(
    [
      { title: "step", cell: ({ step }) => step },
      { title: "state", cell: ({ state }) => state },
      { title: "found", cell: ({ facts }) => factsText(facts) }
    ],
    steps,
    "It has no steps"
  )}`
}

export const status = Command.make("status", {}, () =>
  withMigration(Effect.flatMap(readJournal, (entry) => print(statusDocument(entry), render)))
).pipe(
  Command.withDescription("Show which steps are done, and who works on them"),
  Command.withExamples([{ command: "bulkhead streams migrate status --json", description: "For a script" }])
)
