/**
 * `bulkhead replay`: a tenant's messages decoded again into fresh tables, which then replace the old ones.
 */
import * as Command from "effect/cli/Command"
import { cancel } from "./cancel.ts"
import { list } from "./list.ts"
import { show } from "./show.ts"
import { start } from "./start.ts"

export const replay = Command.make("replay").pipe(Command.withSubcommands([start, list, show, cancel]))
