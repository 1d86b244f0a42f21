/**
 * `bulkhead tenants`: the tenants of an installation.
 */
import * as Command from "effect/cli/Command"
import { list } from "./list.ts"

export const tenants = Command.make("tenants").pipe(
  Command.withDescription("Create, list, change, suspend and delete tenants"),
  Command.withSubcommands([list])
)
