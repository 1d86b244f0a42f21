/**
 * `bulkhead` as a process: arguments in, an exit code out.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import { bulkhead } from "./bulkhead.ts"

/** Ends the process when its output is written, also while connections to a server are still kept open. */
const end = (code: number) =>
  Effect.callback<never>(() => {
    process.stdout.write("", () => process.exit(code))
  })

/** A reader that has seen enough, such as `head`, is no failure. */
const endWithTheReader = () =>
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0)
    throw error
  })

export const run = (): void => {
  endWithTheReader()
  bulkhead(process.argv.slice(2)).pipe(
    Effect.flatMap(end),
    Effect.provide(NodeServices.layer),
    NodeRuntime.runMain({ disableErrorReporting: true })
  )
}
