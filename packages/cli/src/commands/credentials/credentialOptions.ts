/**
 * Options that commands about credentials share.
 */
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"

export const publicKeyArgument = Argument.String("public-key").pipe(
  Argument.withDescription("The credential's public key, as `credentials list` shows it: U…")
)

export const publicKeyFlag = Flag.String("public-key").pipe(
  Flag.optional,
  Flag.withMetavar("<U…>"),
  Flag.withDescription(
    "The public half of a key of yours; without it core makes a key, and its seed is in the file alone"
  )
)

export const out = Flag.String("out").pipe(
  Flag.optional,
  Flag.withMetavar("<file>"),
  Flag.withDescription('Where the .creds file is written, mode 0600; never over another file; "-" for standard output')
)

export const expiresInDays = Flag.Int("expires-in-days").pipe(
  Flag.withDefault(90),
  Flag.withDescription("Days until it expires, 1 to 3650")
)
