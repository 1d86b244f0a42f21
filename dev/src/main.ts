/**
 * `npm run dev`: starts the platform and shows, until Ctrl-C, what each tenant's flow does.
 */
import type { TenantHealth } from "@bulkhead/core/api"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { PgClient } from "@effect/sql-pg"
import { Cause, Clock, Console, Effect } from "effect"
import { type DevOptions, parseOptions } from "./options.ts"
import { type Platform, startPlatform } from "./Platform.ts"
import { storedRows } from "./storedRows.ts"
import { renderStored, renderSummary } from "./summary.ts"

const REFRESH_MS = 1_000
/** Without a terminal, where nothing can be redrawn, the table is printed this rarely. */
const PRINT_MS = 10_000

const places = (platform: Platform): ReadonlyArray<string> =>
  Object.entries(platform.places).map(([name, place]) => `  ${name.padEnd(26)} ${place}`)

const clearScreen = "\u001b[H\u001b[J"

const showSummary = Effect.fnUntraced(function* (platform: Platform) {
  const isTerminal = process.stdout.isTTY === true
  const everyMs = isTerminal ? REFRESH_MS : PRINT_MS
  const header = ["Bulkhead: the whole platform, until Ctrl-C", ...places(platform), ""]
  if (!isTerminal) yield* Console.log(header.join("\n"))
  let before: ReadonlyArray<TenantHealth> = []
  let beforeMs = yield* Clock.currentTimeMillis
  while (true) {
    const nowMs = yield* Clock.currentTimeMillis
    const now = yield* platform.api.health.list()
    const table = [...renderSummary(now, before, nowMs - beforeMs, nowMs), "", ...renderStored(yield* storedRows)]
    yield* Console.log(isTerminal ? `${clearScreen}${[...header, ...table].join("\n")}` : `${table.join("\n")}\n`)
    before = now
    beforeMs = nowMs
    yield* Effect.sleep(everyMs)
  }
})

const program = (options: DevOptions) =>
  Effect.gen(function* () {
    const platform = yield* startPlatform({ ...options, onProgress: (line) => console.error(`bulkhead: ${line} …`) })
    const database = PgClient.layer({ url: platform.servers.adminUrl, maxConnections: 1 })
    yield* Effect.raceFirst(showSummary(platform).pipe(Effect.provide(database)), platform.ended)
  }).pipe(Effect.scoped)

parseOptions(process.argv.slice(2)).pipe(
  Effect.flatMap(program),
  Effect.tapCause((cause) =>
    Cause.hasInterruptsOnly(cause)
      ? Effect.void
      : Console.error(`bulkhead: ${Cause.prettyErrors(cause)[0]?.message ?? Cause.pretty(cause)}`)
  ),
  Effect.onInterrupt(() => Console.error("bulkhead: stopped")),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
