import { readFile } from "node:fs/promises"
import { Effect, Redacted } from "effect"
import { SecretStoreMisconfigured } from "../SecretError.ts"

/** The text of a file without the white space around it; `setting` is what named the file. */
export const readSecretFile = (setting: string, path: string) =>
  Effect.tryPromise({
    try: async () => Redacted.make((await readFile(path, "utf8")).trim()),
    catch: (cause) =>
      new SecretStoreMisconfigured({
        problem: `The file "${path}" of ${setting} cannot be read (${codeOf(cause)})`,
        nextStep: "check the path, and that this process may read it",
        cause
      })
  })

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : "unknown reason"
