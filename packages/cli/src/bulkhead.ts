/**
 * The whole command: reads the groups that the arguments name, runs, and says in one line what went wrong.
 */
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as CliConfig from "effect/cli/CliConfig"
import type * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import manifest from "../package.json" with { type: "json" }
import { type CommandFailed, failed } from "./CommandFailed.ts"
import type { DryRun } from "./core/DryRun.ts"
import { printDryRun } from "./core/DryRun.ts"
import { EXIT, type ExitCode } from "./ExitCode.ts"
import { type AnyCommand, type CommandGroup, groups } from "./groups.ts"
import { settings } from "./Settings.ts"

/** How a command ends that did not do what it was asked. */
export type CommandEnd = CommandFailed | DryRun

/** In help, a group that was not named needs no more than its name and what it is for. */
const placeholder = ({ name }: CommandGroup): AnyCommand => Command.make(name)

/** Completions describe all commands; anything else at most those that are named. */
const isNeeded = (group: CommandGroup, args: ReadonlyArray<string>): boolean =>
  args.includes(group.name) || args.some((arg) => arg.startsWith("--completions") || arg === "--wizard")

/** The command with the groups that the arguments name. */
export const commandFor = Effect.fnUntraced(function* (isWanted: (group: CommandGroup) => boolean) {
  const commands = yield* Effect.forEach(groups, (group) =>
    (isWanted(group) ? Effect.promise(group.load) : Effect.succeed(placeholder(group))).pipe(
      Effect.map(Command.withDescription(group.description))
    )
  )
  return Command.make("bulkhead").pipe(
    Command.withDescription("Tenant isolation for NATS event platforms: an operator's view of an installation"),
    Command.withSubcommands(commands),
    Command.withGlobalFlags(settings)
  )
})

/** A mistake in the arguments is told in one line, below which nobody has to look for it. */
const presenter = CliOutput.layerPresenter({
  present: (event) => (event._tag === "InvalidInvocation" ? Effect.void : CliOutput.defaultPresenter.present(event))
})

/** `--log-level` would promise logs; this command has answers. */
const builtIns = [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions, GlobalFlag.Wizard]

const fromUsage = (error: CliError.ShowHelp): CommandFailed =>
  failed(
    EXIT.usage,
    error.errors.map(({ message }) => message.replaceAll(/\s*\n\s*/g, " ")).join("; "),
    `See ${error.commandPath.join(" ")} --help`
  )

const printFailure = (error: CommandFailed, isJson: boolean) =>
  Console.error(
    isJson
      ? JSON.stringify({ error: { exit: error.exit, problem: error.problem, nextStep: error.nextStep } })
      : `bulkhead: ${error.message}`
  ).pipe(Effect.as<ExitCode>(error.exit))

const defect = (cause: Cause.Cause<unknown>): CommandFailed =>
  failed(EXIT.defect, `a defect of bulkhead ${manifest.version}: ${Cause.pretty(cause)}`, "Please report it")

/** Runs one command line, and says what the process ends with. Fails only by interruption. */
export const bulkhead = Effect.fnUntraced(function* (args: ReadonlyArray<string>) {
  const isJson = args.includes("--json")
  const command = yield* commandFor((group) => isNeeded(group, args))
  return yield* Command.runWith(command, { version: manifest.version })(args).pipe(
    Effect.as<ExitCode>(EXIT.ok),
    Effect.catch((error): Effect.Effect<ExitCode> => {
      switch (error._tag) {
        case "CommandFailed":
          return printFailure(error, isJson)
        case "DryRun":
          return Effect.as(printDryRun(error, isJson), EXIT.ok)
        case "ShowHelp":
          return error.errors.length === 0 ? Effect.succeed(EXIT.ok) : printFailure(fromUsage(error), isJson)
        default:
          return printFailure(failed(EXIT.usage, error.message), isJson)
      }
    }),
    Effect.catchCause((cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.failCause(cause as Cause.Cause<never>)
        : printFailure(defect(cause), isJson)
    ),
    Effect.provide(Layer.mergeAll(presenter, CliConfig.layer({ builtIns })))
  )
})
