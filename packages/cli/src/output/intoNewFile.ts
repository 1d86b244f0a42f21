/**
 * A file for a secret that exists nowhere else: it is made before the secret is, so that none is lost to a folder that
 * cannot be written, and never over another file.
 */
import { closeSync, openSync, rmSync, writeSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type CommandFailed, failed } from "../CommandFailed.ts"
import { EXIT } from "../ExitCode.ts"

const open = (file: string): Effect.Effect<number, CommandFailed> =>
  Effect.try({
    try: () => openSync(file, "wx", 0o600),
    catch: (cause) =>
      (cause as NodeJS.ErrnoException).code === "EEXIST"
        ? failed(
            EXIT.usage,
            `--out "${file}" exists already`,
            "Nothing was issued: name another file, or move that one away"
          )
        : failed(EXIT.usage, `--out "${file}" cannot be written (${(cause as Error).message})`, "Nothing was issued")
  })

/** Writes what `made` gives, for its owner's eyes alone; the file is gone again when that fails. */
export const intoNewFile = <A, E, R>(
  file: string,
  made: Effect.Effect<A, E, R>,
  contentOf: (made: A) => string | Uint8Array
) =>
  Effect.acquireUseRelease(
    open(file),
    (descriptor) => Effect.tap(made, (value) => Effect.sync(() => write(descriptor, contentOf(value)))),
    (descriptor, exit) =>
      Effect.sync(() => {
        closeSync(descriptor)
        if (Exit.isFailure(exit)) rmSync(file, { force: true })
      })
  )

const write = (descriptor: number, content: string | Uint8Array): void => {
  const bytes = Buffer.from(content)
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done)
}
