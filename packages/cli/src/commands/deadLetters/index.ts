/**
 * `bulkhead dead-letters`: messages of a tenant that could never be stored.
 */
import * as Command from "effect/cli/Command"
import { list } from "./list.ts"
import { purge } from "./purge.ts"
import { retry } from "./retry.ts"
import { show } from "./show.ts"

export const deadLetters = Command.make("dead-letters").pipe(Command.withSubcommands([list, show, retry, purge]))
