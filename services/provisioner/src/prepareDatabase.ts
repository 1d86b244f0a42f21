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

const settings = prepareDatabaseSettings

const urlIn = (setting: Setting<string | undefined>, path: string) =>
  Effect.map(readFileOf(setting.description.name, path), Redacted.make)

const program = Effect.gen(function* () {
  const { admin, core, signer, eventWriter, netflow } = yield* readSettings(settings)
  const lines = yield* prepareDatabase(yield* urlIn(settings.admin, admin), {
    core: yield* urlIn(settings.core, core),
    "account-signer": yield* urlIn(settings.signer, signer),
    ...(eventWriter === undefined ? {} : { "db-event-writer": yield* urlIn(settings.eventWriter, eventWriter) }),
    ...(netflow === undefined ? {} : { "netflow-consumer": yield* urlIn(settings.netflow, netflow) })
  })
  yield* Console.log(lines.join("\n"))
})

program.pipe(
  Effect.tapError((error) => Console.error(error.message)),
  Effect.provide(loggerLayer("prepare-database")),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
