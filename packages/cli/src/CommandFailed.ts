/**
 * Why a command ends without having done what it was asked: one line for people, and an exit code for scripts.
 */
import * as Schema from "effect/Schema"
import { EXIT, type ExitCode } from "./ExitCode.ts"

export class CommandFailed extends Schema.TaggedError<CommandFailed>("@bulkhead/cli/CommandFailed")("CommandFailed", {
  exit: Schema.Literals(Object.values(EXIT)),
  /** What is wrong, with the value in double quotes and the limit it exceeds. */
  problem: Schema.String,
  /** What to do about it. */
  nextStep: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    return this.nextStep === undefined ? this.problem : `${this.problem}. ${this.nextStep}`
  }
}

/** What a handler fails with. */
export const failed = (exit: ExitCode, problem: string, nextStep?: string): CommandFailed =>
  new CommandFailed({ exit, problem, ...(nextStep === undefined ? {} : { nextStep }) })
