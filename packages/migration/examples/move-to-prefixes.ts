/**
 * Moves an installation to tenant prefixes, as far as both kinds of subject are taken. Needs `JetStreamAdmin.layer` over
 * `Nats.layer`, and `FlagStore.layer`.
 */
import { beginJournal, inspect, MigrationError, PlanRefused, planMigration, runForward } from "@bulkhead/migration"
import { Effect } from "effect"

export const moveToPrefixes = Effect.fn("moveToPrefixes")(function* () {
  const { plan, problems } = planMigration(yield* inspect(), {
    id: "2026-12-01",
    mapping: { consumers: { "events/zen-consumer": "move" } }
  })
  if (problems.length > 0) {
    return yield* new MigrationError({ operation: "moveToPrefixes", reason: new PlanRefused({ problems }) })
  }
  const journal = yield* beginJournal(plan, { name: "an operator" })
  yield* runForward(journal, "both")
}, Effect.scoped)
