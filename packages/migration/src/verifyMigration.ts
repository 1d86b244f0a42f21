/**
 * The proof of a migration under way, asked for at any time.
 */
import { Effect } from "effect"
import { type Comparison, compareCopies, type OnRead } from "./compareCopies.ts"
import type { JetStreamAdmin } from "./internal/JetStreamAdmin.ts"
import { openedAtIn } from "./internal/openedAt.ts"
import type { JournalEntry } from "./Journal.ts"
import { MigrationError, WrongState } from "./MigrationError.ts"
import { stepId } from "./MigrationPlan.ts"

/**
 * Compares each old stream with its copies; nothing is written down.
 *
 * **Fails**: `WrongState` before the copies are made and once they are cut off in a rollback.
 *
 * @stability experimental
 */
export const verifyMigration: (
  entry: JournalEntry,
  onRead?: OnRead
) => Effect.Effect<ReadonlyArray<Comparison>, MigrationError, JetStreamAdmin> = Effect.fn("verifyMigration")(function* (
  { plan, steps, direction },
  onRead = () => {}
) {
  const isCopied = plan.targets.every(({ stream }) => steps[stepId({ _tag: "CopyStored", stream })]?.state === "done")
  if (!isCopied || direction === "back") {
    const reason = new WrongState({
      problem: "there is nothing to compare: copies are not complete, or were cut off by a rollback",
      nextStep: 'go on with "run"'
    })
    return yield* new MigrationError({ operation: "verifyMigration", reason })
  }
  const { facts = {} } = steps[stepId({ _tag: "OpenTargets" })] ?? {}
  return yield* Effect.forEach(plan.sources, ({ stream }) => compareCopies(plan, stream, openedAtIn(facts), onRead))
})
