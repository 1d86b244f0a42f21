/**
 * `npm run smoke`: the platform once, in a temporary folder on free ports, until every demo tenant has rows of each
 * kind of its own and none of another's, and the isolation canary has found the walls closed. Prints a line for each and `smoke ok`.
 * With `--tls`, NATS speaks TLS; with `--shared`, all tenants share one stream.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { PgClient } from "@effect/sql-pg"
import { Cause, Console, Effect, Schedule } from "effect"
import { DevError } from "./DevError.ts"
import { type DemoTenant, demoTenants } from "./demoTenants.ts"
import { type Platform, startPlatform } from "./Platform.ts"
import { KINDS, type KindRows, kindRows } from "./storedRows.ts"
import { temporaryFolder } from "./temporaryFolder.ts"

const TIMEOUT = "60 seconds"

const isMissing = ({ kind, own }: KindRows): boolean => own < kind.rowsWanted

const countTenant = (tenant: DemoTenant) =>
  Effect.map(
    Effect.forEach(KINDS, (kind) => kindRows(tenant, kind)),
    (rows) => ({ tenant, rows, foreign: rows.reduce((sum, { foreign }) => sum + foreign, 0) })
  )

type TenantCount = Effect.Success<ReturnType<typeof countTenant>>

const missingIn = (counts: ReadonlyArray<TenantCount>): string =>
  counts
    .flatMap(({ tenant, rows }) => rows.filter(isMissing).map(({ kind, own }) => `${tenant.slug} ${own} ${kind.name}`))
    .join(", ")

/** Until each tenant has enough rows of each kind, or any of another's. */
const awaitRows = (platform: Platform) =>
  Effect.gen(function* () {
    let counts: ReadonlyArray<TenantCount> = []
    yield* Effect.forEach(demoTenants, countTenant).pipe(
      Effect.tap((found) => Effect.sync(() => (counts = found))),
      Effect.repeat({
        schedule: Schedule.spaced("200 millis"),
        until: (found) => missingIn(found) === "" || found.some(({ foreign }) => foreign > 0)
      }),
      Effect.timeoutOrElse({
        duration: TIMEOUT,
        orElse: () =>
          Effect.fail(
            new DevError({
              problem: `Too few rows after ${TIMEOUT}: ${missingIn(counts)}`,
              nextStep: "Start npm run dev and read its table and logs"
            })
          )
      })
    )
    return counts
  }).pipe(Effect.provide(PgClient.layer({ url: platform.servers.adminUrl, maxConnections: 1 })))

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
  for (const { tenant, rows, foreign } of counts) {
    const own = rows.map((each) => `${each.own} ${each.kind.name}`).join(", ")
    yield* Console.log(`${tenant.slug}: ${own} of its own, ${foreign} rows of others`)
  }
  const leaked = counts.filter(({ foreign }) => foreign > 0)
  if (leaked.length > 0) {
    return yield* new DevError({
      problem: `Rows of other tenants stand in the schemas of ${leaked.map(({ tenant }) => tenant.slug).join(", ")}`,
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
