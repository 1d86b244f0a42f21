import { resolve } from "node:path"
import { parseArgs } from "node:util"
import { Effect, Schema } from "effect"
import { faults } from "./table/index.ts"

/** The command line asks for something that is not there. */
export class UsageError extends Schema.TaggedError<UsageError>()("UsageError", { problem: Schema.String }) {
  override get message(): string {
    return `${this.problem}\n${USAGE}`
  }
}

/** What the caller of `npm run faults` may choose. */
export interface FaultsOptions {
  readonly kills: number
  /** Faults whose name holds this text; all when absent. */
  readonly only: string | undefined
  readonly seed: string
  readonly minutes: number
  readonly eventsPerSecond: number
  readonly longestMs: number
  readonly folder: string
}

const USAGE = `Usage: npm run faults -- [--kills N] [--seed TEXT] [--minutes N] [--only TEXT] [--rate N] [--longest-ms N] [--folder PATH]
  --kills       how often core is killed (20); every other fault comes once for each 20 kills begun, once at least
  --seed        chooses order and times of the faults; a random one is printed when absent
  --minutes     begins no further fault after so long (30)
  --only        nothing but the faults whose name holds this text
  --rate        events a second over all tenants (1000)
  --longest-ms  how long a fault that has a duration may last (8000)
  --folder      where logs and data of the run are kept (.bulkhead/faults)`

const refuse = (problem: string) => new UsageError({ problem })

const numberOf = (name: string, text: string, least: number, most: number): Effect.Effect<number, UsageError> => {
  const value = Number(text)
  return Number.isInteger(value) && value >= least && value <= most
    ? Effect.succeed(value)
    : Effect.fail(refuse(`--${name} "${text}" is no whole number from ${least} to ${most}`))
}

const parse = (args: ReadonlyArray<string>) =>
  parseArgs({
    args: [...args],
    options: {
      kills: { type: "string", default: "20" },
      seed: { type: "string" },
      minutes: { type: "string", default: "30" },
      only: { type: "string" },
      rate: { type: "string", default: "1000" },
      "longest-ms": { type: "string", default: "8000" },
      folder: { type: "string", default: ".bulkhead/faults" }
    }
  }).values

/** Reads the command line; an unknown option or a bad value is refused with the usage. */
export const parseOptions = Effect.fnUntraced(function* (
  args: ReadonlyArray<string>
): Effect.fn.Return<FaultsOptions, UsageError> {
  const values = yield* Effect.try({
    try: () => parse(args),
    catch: (cause) => refuse(cause instanceof Error ? cause.message : String(cause))
  })
  const { only } = values
  if (only !== undefined && !faults.some(({ name }) => name.includes(only))) {
    return yield* refuse(`--only "${only}" is in no fault's name: ${faults.map(({ name }) => name).join(", ")}`)
  }
  return {
    kills: yield* numberOf("kills", values.kills, 0, 10_000),
    only,
    seed: values.seed ?? String(Math.floor(Math.random() * 1e9)),
    minutes: yield* numberOf("minutes", values.minutes, 1, 1_440),
    eventsPerSecond: yield* numberOf("rate", values.rate, 10, 20_000),
    longestMs: yield* numberOf("longest-ms", values["longest-ms"], 500, 60_000),
    folder: resolve(values.folder)
  }
})
