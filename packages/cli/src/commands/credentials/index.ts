/**
 * `bulkhead credentials`: who may connect in a tenant's name.
 */
import * as Command from "effect/cli/Command"
import { audit } from "./audit.ts"
import { issue } from "./issue.ts"
import { list } from "./list.ts"
import { revoke } from "./revoke.ts"
import { rotate } from "./rotate.ts"

export const credentials = Command.make("credentials").pipe(
  Command.withSubcommands([list, issue, rotate, revoke, audit])
)
