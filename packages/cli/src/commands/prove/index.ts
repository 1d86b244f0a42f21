/**
 * `bulkhead prove`: whether any tenant can reach another, computed from what the servers hold.
 */
import { renderReport } from "@bulkhead/accounts"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { failed } from "../../CommandFailed.ts"
import { askCore } from "../../core/askCore.ts"
import { EXIT } from "../../ExitCode.ts"
import { print } from "../../output/print.ts"

export const prove = Command.make(
  "prove",
  {},
  Effect.fnUntraced(function* () {
    const ask = yield* askCore
    const proof = yield* ask((core) => core.isolation.proof())
    yield* print(proof, renderReport)
    const [leak] = proof.findings.filter(({ severity }) => severity === "leak")
    if (leak === undefined) return
    return yield* failed(
      EXIT.fault,
      `${proof.leaks} ${proof.leaks === 1 ? "way leads" : "ways lead"} across a wall, the first from ${leak.from}${leak.to === "" ? "" : ` to ${leak.to}`}: ${leak.path}`,
      "Suspend whom it leads to or from, then take away what stands in the path"
    )
  })
).pipe(
  Command.withExamples([
    { command: "bulkhead prove", description: "The matrix, what is wrong, and a verdict; 1 where a wall is open" },
    { command: "bulkhead prove --json", description: "The same for a nightly job" }
  ])
)
