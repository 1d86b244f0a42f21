/**
 * `npm run migrate -w @bulkhead/core`: brings the control schema and every tenant's schema to the version of this
 * release, and says for each tenant what became of it. Exit code 1 when one of them failed; the others are done.
 */
import { loggerLayer } from "@bulkhead/observability"
import { Database, migrateControlSchema, storageLayer, TenantSchemas } from "@bulkhead/storage"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect, Layer, Schema } from "effect"

class MigrationIncomplete extends Schema.TaggedError<MigrationIncomplete>()("MigrationIncomplete", {
  failed: Schema.Int
}) {
  override get message(): string {
    return `${this.failed} tenants could not be migrated: correct what their lines say and run this again`
  }
}

const migrate = Effect.gen(function* () {
  const control = yield* migrateControlSchema
  yield* Console.log(`control schema: ${control.before} -> ${control.after}`)
  const outcomes = yield* (yield* TenantSchemas).migrateAll
  for (const outcome of outcomes) {
    const text = outcome.ok ? `${outcome.before} -> ${outcome.after}` : `failed: ${outcome.error.message}`
    yield* Console.log(`${outcome.tenant}: ${text}`)
  }
  const failed = outcomes.filter((outcome) => !outcome.ok).length
  if (failed > 0) return yield* new MigrationIncomplete({ failed })
})

migrate.pipe(
  Effect.provide(storageLayer.pipe(Layer.provideMerge(Database.layer))),
  Effect.tapError((error) => Console.error(error.message)),
  Effect.provide(loggerLayer("migrate")),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
