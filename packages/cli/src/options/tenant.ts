/**
 * The tenant that a command is about: always its first argument, always by slug.
 */
import * as Argument from "effect/cli/Argument"

export const tenant = Argument.String("tenant").pipe(Argument.withDescription("The tenant's slug"))
