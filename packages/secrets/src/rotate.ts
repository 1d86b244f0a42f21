/**
 * `npm run rotate -w @bulkhead/secrets`: brings every secret in PostgreSQL under the first of `SECRETS_KEYS`, and says
 * which keys may go. Reads what the `postgres` driver reads, and `DATABASE_URL`. Ends with 1 while rows are left.
 */
import { Database } from "@bulkhead/storage"
import { Console, Effect } from "effect"
import { postgresOptions } from "./PostgresOptions.ts"
import { type ResealReport, resealAll } from "./resealAll.ts"

const linesOf = (report: ResealReport): ReadonlyArray<string> => [
  `resealed under "${report.firstKeyId}": ${report.resealed}, left under other keys: ${report.left}`,
  ...report.unreadable.map((secret) => secret.message),
  report.left > 0
    ? "Every reader and writer needs the new first key before this can finish; then run it again"
    : `keys that may be removed from SECRETS_KEYS: ${report.removableKeyIds.join(", ") || "none"}`
]

const rotate = Effect.gen(function* () {
  const report = yield* resealAll(yield* postgresOptions)
  yield* Console.log(linesOf(report).join("\n"))
  return report.left === 0
})

const isDone = await rotate.pipe(
  Effect.provide(Database.layer),
  Effect.tapError((error) => Console.error(error.message)),
  Effect.orElseSucceed(() => false),
  Effect.runPromise
)
process.exitCode = isDone ? 0 : 1
