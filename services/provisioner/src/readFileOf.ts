import { readFileSync } from "node:fs"
import { Effect } from "effect"
import { ProvisionError } from "./ProvisionError.ts"

/** The text of the file that a setting names, without the white space around it. */
export const readFileOf = (setting: string, path: string) =>
  Effect.try({
    try: () => readFileSync(path, "utf8").trim(),
    catch: (cause) =>
      new ProvisionError({
        problem: `${setting}="${path}" cannot be read (${(cause as NodeJS.ErrnoException).code ?? "unknown reason"})`,
        nextStep: "Check the path, and that this process may read it"
      })
  })
