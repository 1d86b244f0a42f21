/**
 * Hands out a credential that exists nowhere else.
 */
import type { Credential } from "@bulkhead/core/api"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { failed } from "../../CommandFailed.ts"
import { EXIT } from "../../ExitCode.ts"
import { intoNewFile } from "../../output/intoNewFile.ts"
import { print } from "../../output/print.ts"
import { time } from "../../output/units.ts"
import { Json } from "../../Settings.ts"

const STDOUT = "-"

/** What goes into the file: the `.creds` text, or the signed claims where the caller has the key. */
const textOf = ({ creds, claims }: Credential): string => creds ?? `${claims}\n`

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
    const { user } = yield* intoNewFile(file, issued, textOf)
    return yield* print({ user, file }, () => said({ user, claims: "" }, file))
  }
  const credential = yield* issued
  yield* (yield* Json) ? print(credential, () => "") : Console.log(textOf(credential).trimEnd())
})
