import * as Argument from "effect/cli/Argument"
import { failed } from "../../CommandFailed.ts"
import { EXIT } from "../../ExitCode.ts"

/** The context that a command of this group is about. */
export const contextName = Argument.String("name").pipe(Argument.withDescription("The context's name"))

/** What is said of a name that no context has. */
export const unknownContext = (name: string) =>
  failed(EXIT.usage, `There is no context "${name}"`, "See bulkhead context list")
