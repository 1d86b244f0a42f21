/**
 * `npm run smoke`: the platform once, in a temporary folder on free ports, until every demo tenant has rows of its own
 * and none of another's, and the isolation canary has found the walls closed. Prints a line for each and `smoke ok`.
 * With `--tls`, NATS speaks TLS; with `--shared`, all tenants share one stream.
 */
import { schemaName, type TenantSlug } from "@bulkhead/channels"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { PgClient } from "@effect/sql-pg"
import { Cause, Console, Effect, Schedule } from "effect"
import { DevError } from "./DevError.ts"
import { demoTenants } from "./demoTenants.ts"
import { type Platform, startPlatform } from "./Platform.ts"
import { temporaryFolder } from "./temporaryFolder.ts"

const ROWS_WANTED = 20
const TIMEOUT = "60 seconds"

interface Count {
  readonly slug: TenantSlug
  readonly own: number
  readonly foreign: number
}

/** Traffic, sites and checks of a tenant are all named `<slug>-…`, so each row says by itself whose it is. */
const countRows = (slug: TenantSlug) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const table = `${schemaName(slug)}.ocsf_events`
    const others = demoTenants.filter((tenant) => tenant.slug !== slug).map((tenant) => `"${tenant.slug}-`)
    const [row] = yield* sql.unsafe<{ own: number; foreign: number }>(
      `select count(*) filter (where position($1 in raw_data) > 0)::int as own,
              count(*) filter (where position($2 in raw_data) > 0 or position($3 in raw_data) > 0)::int as "foreign"
       from ${table}`,
      [`"${slug}-`, ...others]
    )
    const count: Count = { slug, own: row?.own ?? 0, foreign: row?.foreign ?? 0 }
    return count
  })

const awaitRows = (platform: Platform) =>
  Effect.forEach(demoTenants, ({ slug }) => countRows(slug)).pipe(
    Effect.repeat({
      schedule: Schedule.spaced("200 millis"),
      until: (counts) => counts.every(({ own, foreign }) => own >= ROWS_WANTED || foreign > 0)
    }),
    Effect.timeoutOrElse({
      duration: TIMEOUT,
      orElse: () =>
        Effect.fail(
          new DevError({
            problem: `Not every demo tenant had ${ROWS_WANTED} rows within ${TIMEOUT}`,
            nextStep: "Start npm run dev and read its table and logs"
          })
        )
    }),
    Effect.provide(PgClient.layer({ url: platform.servers.adminUrl, maxConnections: 1 }))
  )

const roundsIn = (metrics: string, outcome: string): number =>
  Number(
    new RegExp(`bulkhead_isolation_canary_rounds_total\\{outcome="${outcome}"[^}]*} (\\d+)`).exec(metrics)?.[1] ?? 0
  )

/** Until the canary has leaned against the walls of this very platform once. */
const awaitCanary = (platform: Platform) =>
  Effect.tryPromise(async () => (await fetch(platform.places["metrics of core"])).text()).pipe(
    Effect.map((metrics) => ({ held: roundsIn(metrics, "held"), open: roundsIn(metrics, "open") })),
    Effect.repeat({ schedule: Schedule.spaced("200 millis"), until: ({ held, open }) => held + open > 0 }),
    Effect.filterOrFail(
      ({ open }) => open === 0,
      () =>
        new DevError({
          problem: "The isolation canary found an open wall",
          nextStep: "This is an open wall: do not deploy this version"
        })
    ),
    Effect.timeoutOrElse({
      duration: TIMEOUT,
      orElse: () =>
        Effect.fail(
          new DevError({
            problem: `The isolation canary could not judge within ${TIMEOUT}`,
            nextStep: "Start npm run dev and read the log of core"
          })
        )
    })
  )

const smoke = Effect.gen(function* () {
  const folder = yield* temporaryFolder("smoke")
  const onProgress = (line: string) => console.error(`smoke: ${line} …`)
  const platform = yield* startPlatform({
    folder,
    reset: false,
    trafficPerSecond: 10,
    tls: process.argv.includes("--tls"),
    layout: process.argv.includes("--shared") ? "shared" : "per-tenant",
    onProgress
  })
  const counts = yield* Effect.raceFirst(awaitRows(platform), platform.ended)
  for (const { slug, own, foreign } of counts)
    yield* Console.log(`${slug}: ${own} rows of its own, ${foreign} of others`)
  const leaked = counts.filter(({ foreign }) => foreign > 0)
  if (leaked.length > 0) {
    return yield* new DevError({
      problem: `Rows of other tenants stand in the schemas of ${leaked.map(({ slug }) => slug).join(", ")}`,
      nextStep: "This is an open wall: do not deploy this version"
    })
  }
  yield* Effect.raceFirst(awaitCanary(platform), platform.ended)
  yield* Console.log("isolation canary: every wall held")
}).pipe(Effect.scoped)

smoke.pipe(
  Effect.andThen(Console.log("smoke ok")),
  Effect.tapCause((cause) =>
    Console.error(`smoke failed: ${Cause.prettyErrors(cause)[0]?.message ?? Cause.pretty(cause)}`)
  ),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
