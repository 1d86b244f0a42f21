/**
 * `bulkhead rules`: what runs on a tenant's raw logs.
 */
import * as Command from "effect/cli/Command"
import { deleteRule } from "./deleteRule.ts"
import { disable, enable } from "./enable.ts"
import { list } from "./list.ts"
import { order } from "./order.ts"
import { put } from "./put.ts"
import { rollback } from "./rollback.ts"
import { show } from "./show.ts"
import { validate } from "./validate.ts"

export const rules = Command.make("rules").pipe(
  Command.withSubcommands([list, show, put, validate, enable, disable, order, rollback, deleteRule])
)
