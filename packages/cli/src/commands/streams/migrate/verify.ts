/**
 * `bulkhead streams migrate verify`: compares all that the old streams hold with the copies, subject by subject.
 */
import { type Comparison, readJournal, verifyMigration } from "@bulkhead/migration"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { failed } from "../../../CommandFailed.ts"
import { EXIT } from "../../../ExitCode.ts"
import { print } from "../../../output/print.ts"
import { progress } from "../../../output/progress.ts"
import { table } from "../../../output/table.ts"
import { withMigration } from "./withMigration.ts"

const render = (comparisons: ReadonlyArray<Comparison>): string =>
  table(
    [
      { title: "stream", cell: ({ stream }) => stream },
      { title: "subject", cell: ({ subject }) => subject },
      { title: "messages", cell: ({ original }) => String(original?.messages ?? 0), align: "right" },
      { title: "copies", cell: ({ copy }) => String(copy?.messages ?? 0), align: "right" },
      { title: "sum", cell: ({ original }) => original?.sum ?? "" },
      { title: "in order", cell: ({ original }) => original?.chain ?? "" },
      { title: "equal", cell: ({ isEqual }) => (isEqual ? "yes" : "NO") }
    ],
    comparisons.flatMap(({ stream, subjects }) => subjects.map((one) => ({ stream, ...one }))),
    "The old streams hold nothing"
  )

export const verify = Command.make("verify", {}, () =>
  withMigration(
    Effect.gen(function* () {
      const entry = yield* readJournal
      if (entry === undefined) {
        return yield* failed(EXIT.fault, "No migration is under way", "Begin one with: bulkhead streams migrate run")
      }
      const bar = yield* progress("verify")
      const say = Effect.runSyncWith(yield* Effect.context<never>())
      const comparisons = yield* verifyMigration(entry, (read, of) => say(bar.show(read, of, "messages")))
      yield* print(comparisons, render)
      const different = comparisons.flatMap(({ subjects }) => subjects.filter(({ isEqual }) => !isEqual))
      const unclaimed = comparisons.flatMap((one) => one.unclaimed)
      if (different.length + unclaimed.length > 0) {
        return yield* failed(
          EXIT.fault,
          `${different.length} subjects differ and ${unclaimed.length} are copied nowhere`,
          "Look at them before anything is removed"
        )
      }
    }).pipe(Effect.scoped)
  )
).pipe(
  Command.withDescription("Compare all originals with their copies: counts and checksums; 1 where one differs"),
  Command.withExamples([
    { command: "bulkhead streams migrate verify --json", description: "Checksums of every subject" }
  ])
)
