/**
 * `bulkhead streams`: where tenants' messages are kept.
 */
import * as Command from "effect/cli/Command"
import { migrate } from "./migrate/index.ts"

export const streams = Command.make("streams").pipe(Command.withSubcommands([migrate]))
