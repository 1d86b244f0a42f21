/**
 * What destroys something asks first: on a terminal by a question, in a script by `--yes`.
 */
import * as Flag from "effect/cli/Flag"
import * as Prompt from "effect/cli/Prompt"
import * as Effect from "effect/Effect"
import * as Stdio from "effect/Stdio"
import { failed } from "../CommandFailed.ts"
import { EXIT } from "../ExitCode.ts"

/** The option of every command that asks. */
export const yes = Flag.Boolean("yes").pipe(
  Flag.withAlias("y"),
  Flag.withDefault(false),
  Flag.withDescription("Do it without asking; without a terminal there is nobody to ask")
)

/** Goes on when `yes` was given or somebody says so. `what` is what will happen, as the question puts it. */
export const confirm = Effect.fnUntraced(function* (what: string, given: { readonly yes: boolean }) {
  if (given.yes) return
  const stdio = yield* Stdio.Stdio
  const canAsk = (yield* stdio.stdinIsTerminal) && (yield* stdio.stdoutIsTerminal)
  if (!canAsk) return yield* failed(EXIT.usage, `${what} needs a confirmation, and there is no terminal`, "Add --yes")
  const agreed = yield* Prompt.run(Prompt.Confirm({ message: `${what}: go on?`, initial: false }))
  if (!agreed) return yield* failed(EXIT.fault, "Nothing was changed")
})

/** The same for a command with `--dry-run`, which destroys nothing. */
export const confirmUnlessDry = (what: string, given: { readonly yes: boolean; readonly dryRun: boolean }) =>
  confirm(what, { yes: given.yes || given.dryRun })
