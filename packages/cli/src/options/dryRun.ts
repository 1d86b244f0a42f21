/**
 * `--dry-run`: the same on every command that changes something.
 */
import * as Flag from "effect/cli/Flag"

/** Say what would be sent, and send nothing that changes anything. */
export const dryRun = Flag.Boolean("dry-run").pipe(
  Flag.withDefault(false),
  Flag.withDescription("Check everything and say what would be done, but do not do it")
)
