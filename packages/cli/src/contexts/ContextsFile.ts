/**
 * The installations that an operator works with, in `bulkhead/contexts.json` of the user's configuration folder. It holds
 * tokens: the file is its owner's alone (0600, its folder 0700), and one that others can read is refused before it is read.
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs"
import { homedir } from "node:os"
import { dirname, join } from "node:path"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type CommandFailed, failed } from "../CommandFailed.ts"
import { EXIT } from "../ExitCode.ts"

/** How to reach NATS itself, for the few commands that core cannot answer. The file stays where it is. */
export const NatsAccess = Schema.Struct({
  url: Schema.String,
  /** Credentials of the platform's account. */
  credsFile: Schema.optionalKey(Schema.String)
})
export type NatsAccess = typeof NatsAccess.Type

export const SavedContext = Schema.Struct({
  /** Where core's API answers. */
  url: Schema.String,
  token: Schema.optionalKey(Schema.RedactedFromValue(Schema.String)),
  nats: Schema.optionalKey(NatsAccess)
})
export type SavedContext = typeof SavedContext.Type

const Contexts = Schema.Struct({
  version: Schema.Literal(1),
  current: Schema.optionalKey(Schema.String),
  contexts: Schema.Record(Schema.String, SavedContext)
})
export type Contexts = typeof Contexts.Type

const ContextsText = Schema.fromJsonString(Contexts)
const none: Contexts = { version: 1, contexts: {} }

/** The context of a name; names such as `constructor` are nothing special. */
export const findContext = ({ contexts }: Contexts, name: string): SavedContext | undefined =>
  Object.hasOwn(contexts, name) ? contexts[name] : undefined

/** Where the file is: `$XDG_CONFIG_HOME/bulkhead/contexts.json`, and `~/.config` without the variable. */
export const contextsPath: Effect.Effect<string> = Config.String("XDG_CONFIG_HOME").pipe(
  Config.withDefault(""),
  Effect.map((folder) => join(folder === "" ? join(homedir(), ".config") : folder, "bulkhead", "contexts.json")),
  Effect.orDie
)

const unusable = (problem: string, nextStep: string): CommandFailed => failed(EXIT.usage, problem, nextStep)

/** Others may not read what the owner's tokens are. Windows has no such bits. */
const OTHERS = 0o077

const textOf = (path: string): Effect.Effect<string | undefined, CommandFailed> =>
  Effect.suspend(() => {
    const status = statSync(path, { throwIfNoEntry: false })
    if (status === undefined) return Effect.succeed(undefined)
    if (process.platform !== "win32" && (status.mode & OTHERS) !== 0) {
      const mode = (status.mode & 0o777).toString(8)
      return Effect.fail(
        unusable(`"${path}" holds tokens and has mode ${mode}: others can read it`, `Run: chmod 600 "${path}"`)
      )
    }
    return Effect.succeed(readFileSync(path, "utf8"))
  }).pipe(
    Effect.catchDefect((defect) =>
      Effect.fail(
        unusable(
          `"${path}" cannot be read (${defect instanceof Error ? defect.message : defect})`,
          "See to its owner and mode"
        )
      )
    )
  )

/** The saved contexts; none where there is no file. */
export const readContexts: Effect.Effect<Contexts, CommandFailed> = Effect.gen(function* () {
  const path = yield* contextsPath
  const text = yield* textOf(path)
  if (text === undefined) return none
  return yield* Schema.decodeEffect(ContextsText)(text).pipe(
    // The decoder's own message would quote the file, tokens included.
    Effect.mapError(() =>
      unusable(
        `"${path}" does not hold contexts of this version of bulkhead`,
        "Repair it, or move it away and add the contexts again"
      )
    )
  )
})

/** Replaces the file by another one, so that nobody ever reads half of it. */
export const writeContexts = Effect.fnUntraced(function* (contexts: Contexts) {
  const path = yield* contextsPath
  const text = yield* Schema.encodeEffect(ContextsText)(contexts).pipe(Effect.orDie)
  yield* Effect.try({
    try: () => {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      chmodSync(dirname(path), 0o700)
      const fresh = `${path}.${process.pid}`
      writeFileSync(fresh, `${text}\n`, { mode: 0o600 })
      renameSync(fresh, path)
    },
    catch: (cause) => unusable(`"${path}" cannot be written (${(cause as Error).message})`, "See to its owner and mode")
  })
})
