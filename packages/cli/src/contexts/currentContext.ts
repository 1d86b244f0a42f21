/**
 * The installation that a command is for: `--context`, else `BULKHEAD_URL` with its token, else `BULKHEAD_CONTEXT`, else
 * the one that `bulkhead context use` chose.
 */
import { readFileSync } from "node:fs"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { type CommandFailed, failed } from "../CommandFailed.ts"
import { EXIT } from "../ExitCode.ts"
import { ContextName, type Settings } from "../Settings.ts"
import { findContext, readContexts, type SavedContext } from "./ContextsFile.ts"

export interface CurrentContext extends SavedContext {
  readonly name: string
}

const variable = (name: string): Effect.Effect<string | undefined> =>
  Config.String(name).pipe(
    Config.option,
    Effect.map((text) => (Option.isSome(text) && text.value !== "" ? text.value : undefined)),
    Effect.orDie
  )

/** The token of the environment, from `BULKHEAD_TOKEN_FILE` or `BULKHEAD_TOKEN`. */
export const environmentToken: Effect.Effect<Redacted.Redacted<string> | undefined, CommandFailed> = Effect.gen(
  function* () {
    const file = yield* variable("BULKHEAD_TOKEN_FILE")
    if (file === undefined) {
      const token = yield* variable("BULKHEAD_TOKEN")
      return token === undefined ? undefined : Redacted.make(token)
    }
    return yield* Effect.try({
      try: () => Redacted.make(readFileSync(file, "utf8").trim()),
      catch: () =>
        failed(EXIT.usage, `BULKHEAD_TOKEN_FILE="${file}" cannot be read`, "Name a file that this user may read")
    })
  }
)

const fromEnvironment = Effect.gen(function* () {
  const url = yield* variable("BULKHEAD_URL")
  if (url === undefined) return undefined
  const token = yield* environmentToken
  const context: CurrentContext = { name: "BULKHEAD_URL", url, ...(token === undefined ? {} : { token }) }
  return context
})

/** The context that this command is for. */
export const currentContext: Effect.Effect<CurrentContext, CommandFailed, Settings> = Effect.gen(function* () {
  const asked = Option.getOrUndefined(yield* ContextName)
  if (asked === undefined) {
    const context = yield* fromEnvironment
    if (context !== undefined) return context
  }
  const known = yield* readContexts
  const name = asked ?? (yield* variable("BULKHEAD_CONTEXT")) ?? known.current
  if (name === undefined) {
    return yield* failed(EXIT.usage, "No context is chosen", "Add one: bulkhead context add <name> --url <url>")
  }
  const saved = findContext(known, name)
  if (saved === undefined) {
    const names = Object.keys(known.contexts).join(", ") || "none"
    return yield* failed(EXIT.usage, `There is no context "${name}" (there are: ${names})`, "See bulkhead context list")
  }
  return { name, ...saved }
})
