/**
 * `bulkhead context`: the installations this operator works with.
 */
import * as Command from "effect/cli/Command"
import { add } from "./add.ts"
import { list } from "./list.ts"
import { remove } from "./remove.ts"
import { use } from "./use.ts"

export const context = Command.make("context").pipe(Command.withSubcommands([add, use, list, remove]))
