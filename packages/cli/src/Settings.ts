/**
 * Options that every command takes.
 */
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"

/** Output for programs: one JSON document, or one a line where a command says so. */
export const Json = GlobalFlag.Setting("json")({
  flag: Flag.Boolean("json").pipe(
    Flag.withDefault(false),
    Flag.withDescription("Print JSON: sizes in bytes, times in ISO 8601 UTC; errors too, on standard error")
  )
})

/** Which installation. */
export const ContextName = GlobalFlag.Setting("context")({
  flag: Flag.String("context").pipe(
    Flag.optional,
    Flag.withMetavar("<name>"),
    Flag.withDescription("The installation to talk to, as `bulkhead context add` named it")
  )
})

export const settings = [Json, ContextName] as const

/** What a handler may read of the options that every command takes. */
export type Settings = GlobalFlag.Setting.Identifier<"json"> | GlobalFlag.Setting.Identifier<"context">
