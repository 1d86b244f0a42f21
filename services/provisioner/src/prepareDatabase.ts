/**
 * `npm run prepare-database -w @bulkhead/provisioner`: makes the database and the services' logins in it, or gives them the
 * passwords that their URLs have by now. Safe to repeat at any time.
 */
import { loggerLayer } from "@bulkhead/observability"
import { readSettings, type Setting } from "@bulkhead/settings"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect, Redacted } from "effect"
import { prepareDatabase } from "./databaseLogins.ts"
import { readFileOf } from "./readFileOf.ts"
import { prepareDatabaseSettings } from "./settings.ts"

const urlIn = (setting: Setting<string | undefined>, path: string) =>
  Effect.map(readFileOf(setting.description.name, path), Redacted.make)

const program = Effect.gen(function* () {
  const { admin, core, signer, eventWriter } = yield* readSettings(prepareDatabaseSettings)
  const { eventWriter: writerSetting } = prepareDatabaseSettings
  const lines = yield* prepareDatabase(yield* urlIn(prepareDatabaseSettings.admin, admin), {
    core: yield* urlIn(prepareDatabaseSettings.core, core),
    "account-signer": yield* urlIn(prepareDatabaseSettings.signer, signer),
    ...(eventWriter === undefined ? {} : { "db-event-writer": yield* urlIn(writerSetting, eventWriter) })
  })
  yield* Console.log(lines.join("\n"))
})

program.pipe(
  Effect.tapError((error) => Console.error(error.message)),
  Effect.provide(loggerLayer("prepare-database")),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
