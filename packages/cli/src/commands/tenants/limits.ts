/**
 * `bulkhead tenants limits`: what a tenant may use.
 */
import * as Command from "effect/cli/Command"
import { getLimits } from "./getLimits.ts"
import { setLimits } from "./setLimits.ts"

export const limits = Command.make("limits").pipe(
  Command.withDescription("Look at a tenant's limits, and set some for it alone"),
  Command.withSubcommands([getLimits, setLimits])
)
