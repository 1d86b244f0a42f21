/**
 * `bulkhead streams`: where tenants' messages are kept, and how far their readers are.
 */
import * as Command from "effect/cli/Command"
import { apply } from "./apply.ts"
import { lag } from "./lag.ts"
import { migrate } from "./migrate/index.ts"
import { plan } from "./plan.ts"

export const streams = Command.make("streams").pipe(Command.withSubcommands([plan, apply, lag, migrate]))
