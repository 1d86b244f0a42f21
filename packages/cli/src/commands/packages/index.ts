/**
 * `bulkhead packages`: what a tenant's administrator is handed for a site.
 */
import * as Command from "effect/cli/Command"
import { issue } from "./issue.ts"
import { list } from "./list.ts"
import { revoke } from "./revoke.ts"

export const packages = Command.make("packages").pipe(Command.withSubcommands([list, issue, revoke]))
