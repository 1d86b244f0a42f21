/**
 * Hands out a credential that exists nowhere else: into a file that is made before core is asked, so that no secret is
 * lost to a folder that cannot be written.
 */
import { closeSync, openSync, rmSync, writeSync } from "node:fs"
import type { Credential } from "@bulkhead/core/api"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { type CommandFailed, failed } from "../../CommandFailed.ts"
import { EXIT } from "../../ExitCode.ts"
import { print } from "../../output/print.ts"
import { time } from "../../output/units.ts"
import { Json } from "../../Settings.ts"

const STDOUT = "-"

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

/** What goes into the file: the `.creds` text, or the signed claims where the caller has the key. */
const textOf = ({ creds, claims }: Credential): string => creds ?? `${claims}\n`

const toFile = <E, R>(file: string, issued: Effect.Effect<Credential, E, R>) =>
  Effect.acquireUseRelease(
    open(file),
    (descriptor) => Effect.tap(issued, (credential) => Effect.sync(() => writeSync(descriptor, textOf(credential)))),
    (descriptor, exit) =>
      Effect.sync(() => {
        closeSync(descriptor)
        if (Exit.isFailure(exit)) rmSync(file, { force: true })
      })
  )

const said = ({ user }: Credential, file: string) =>
  `${user.publicKey} (${user.role} "${user.name}") is good until ${time(user.expiresAt)}; written to ${file}`

/** Issues, writes, and says what became of it. `out` may be absent where the caller has the key. */
export const handOut = Effect.fnUntraced(function* <E, R>(
  issued: Effect.Effect<Credential, E, R>,
  { out, publicKey }: { readonly out: Option.Option<string>; readonly publicKey: Option.Option<string> }
) {
  if (Option.isNone(out) && Option.isNone(publicKey)) {
    const problem = "The credential's secret has nowhere to go"
    return yield* failed(
      EXIT.usage,
      problem,
      'Name a file with --out, "-" for standard output, or bring a key with --public-key'
    )
  }
  const file = Option.getOrElse(out, () => STDOUT)
  if (file !== STDOUT) {
    const { user } = yield* toFile(file, issued)
    return yield* print({ user, file }, () => said({ user, claims: "" }, file))
  }
  const credential = yield* issued
  yield* (yield* Json) ? print(credential, () => "") : Console.log(textOf(credential).trimEnd())
})
