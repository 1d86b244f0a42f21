/**
 * `bulkhead streams migrate`: moves a live installation whose subjects have no prefix to tenants, and back.
 */
import * as Command from "effect/cli/Command"
import { cleanup } from "./cleanup.ts"
import { inspect } from "./inspect.ts"
import { plan } from "./plan.ts"
import { rollback } from "./rollback.ts"
import { run } from "./run.ts"
import { status } from "./status.ts"
import { verify } from "./verify.ts"

export const migrate = Command.make("migrate").pipe(
  Command.withDescription("Move a live installation without tenant prefixes to tenants, step by step, and back"),
  Command.withSubcommands([inspect, plan, run, status, verify, rollback, cleanup])
)
