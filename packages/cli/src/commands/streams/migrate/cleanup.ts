/**
 * `bulkhead streams migrate cleanup`: removes what nobody needs any more, for good.
 */
import { cleanUp, openJournal, phaseOf } from "@bulkhead/migration"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { failed } from "../../../CommandFailed.ts"
import { EXIT } from "../../../ExitCode.ts"
import { confirmUnlessDry, yes } from "../../../options/confirm.ts"
import { dryRun } from "../../../options/dryRun.ts"
import { print } from "../../../output/print.ts"
import { holder } from "./holder.ts"
import { withMigration } from "./withMigration.ts"

const quoted = (names: ReadonlyArray<string>): string => names.map((name) => `"${name}"`).join(", ")

export const cleanup = Command.make("cleanup", { dryRun, yes }, (input) =>
  withMigration(
    Effect.gen(function* () {
      const journal = yield* openJournal(holder())
      if (journal === undefined) return yield* failed(EXIT.fault, "No migration is under way")
      const entry = yield* journal.entry
      const { plan } = entry
      const going = phaseOf(entry) === "rolled-back" ? plan.targets : plan.sources
      const names = going.map(({ stream }) => stream)
      yield* confirmUnlessDry(`Deleting ${quoted(names)} with all messages, for ever,`, input)
      if (input.dryRun) {
        return yield* print(
          { deletes: names },
          ({ deletes }) => `dry run: nothing was changed; would delete ${quoted(deletes)}`
        )
      }
      const deleted = yield* cleanUp(journal)
      yield* print({ deleted }, ({ deleted }) => `Deleted ${quoted(deleted)}; the migration is over`)
    }).pipe(Effect.scoped)
  )
).pipe(
  Command.withDescription("Delete the old streams after a migration, or the new ones after a rollback"),
  Command.withExamples([{ command: "bulkhead streams migrate cleanup --yes", description: "Without being asked" }])
)
