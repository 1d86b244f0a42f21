/**
 * The reference of every command, from the help that the command itself gives.
 */
import * as CliConfig from "effect/cli/CliConfig"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import type { FlagDoc, HelpDoc } from "effect/cli/HelpDoc"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { commandFor } from "../src/bulkhead.ts"

/** What the command says of itself when it is asked for help. */
const helpOf = Effect.fnUntraced(function* (path: ReadonlyArray<string>) {
  let help: HelpDoc | undefined
  const capture = CliOutput.layerPresenter({
    present: (event) =>
      Effect.sync(() => {
        if (event._tag === "Help") help = event.helpDoc
      })
  })
  const command = yield* commandFor(() => true)
  yield* Command.runWith(command, { version: "" })([...path, "--help"]).pipe(
    Effect.provide(Layer.merge(capture, CliConfig.layer({ builtIns: [GlobalFlag.Help] }))),
    Effect.ignore
  )
  return help ?? (yield* Effect.die(new Error(`"${path.join(" ")}" has no help`)))
})

const subcommandsOf = ({ subcommands = [] }: HelpDoc): ReadonlyArray<string> =>
  subcommands.flatMap(({ commands }) => commands.map(({ name }) => name))

/** `|` would end a cell. */
const cell = (text: string): string => text.replaceAll(/\s*\n\s*/g, " ").replaceAll("|", "\\|")

const row = (name: string, description: Option.Option<string>): string =>
  `| \`${cell(name)}\` | ${cell(Option.getOrElse(description, () => ""))} |`

const flagName = ({ name, aliases, type }: FlagDoc): string => {
  const names = [`--${name}`, ...aliases].join(", ")
  return type === "boolean" ? names : `${names} ${type.startsWith("<") ? type : `<${type}>`}`
}

const section = ({ commandPath = [], description, usage, args = [], flags, examples = [] }: HelpDoc): string => {
  const [, ...path] = commandPath
  const parameters = [
    ...args.map(({ name, description }) => row(`<${name}>`, description)),
    ...flags.map((flag) => row(flagName(flag), flag.description))
  ]
  const lines = examples.flatMap(({ command, description }) => [
    ...(description === undefined ? [] : [`# ${description}`]),
    command
  ])
  return [
    `${"#".repeat(path.length + 2)} bulkhead ${path.join(" ")}`,
    `${description}.`,
    `\`${usage.trim()}\``,
    ...(parameters.length === 0 ? [] : [["| parameter | meaning |", "| --- | --- |", ...parameters].join("\n")]),
    ...(lines.length === 0 ? [] : [["```sh", ...lines, "```"].join("\n")])
  ].join("\n\n")
}

const sectionsBelow = (path: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<string>, never, Command.Environment> =>
  Effect.gen(function* () {
    const help = yield* helpOf(path)
    const below = yield* Effect.forEach(subcommandsOf(help), (name) => sectionsBelow([...path, name]))
    return [section(help), ...below.flat()]
  })

/** Markdown: a section for each command, in the order of their help. */
export const commandReference = Effect.gen(function* () {
  const root = yield* helpOf([])
  const sections = yield* Effect.forEach(subcommandsOf(root), (name) => sectionsBelow([name]))
  return `${sections.flat().join("\n\n")}\n`
})

/** Above it people write, below it `npm run generate`. */
const MARK = "<!-- From here on `npm run generate` writes, from the commands' own help. -->\n"

/** The document with its generated part as it shall be. */
export const withReference = (document: string, reference: string): string => {
  const at = document.indexOf(MARK)
  if (at < 0) throw new Error(`docs/cli.md has lost its line ${MARK}`)
  return `${document.slice(0, at)}${MARK}\n${reference}`
}
