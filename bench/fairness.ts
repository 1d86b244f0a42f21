/**
 * One tenant that sends a hundred times as much as each of the others: how much longer do theirs wait, from publish to
 * the committed row? Core is a process of its own, as it is deployed; quiet and loud phases take turns. The loud tenant
 * has no rate quota here, so that nothing but fair turns protects the others.
 *
 * A row's time is the commit time that PostgreSQL keeps of its transaction (`track_commit_timestamp`), so that looking
 * costs nothing while it is measured.
 */
import { fileURLToPath } from "node:url"
import { Worker } from "node:worker_threads"
import { schemaName, type TenantSlug } from "@bulkhead/channels"
import { coreClient } from "@bulkhead/core/api"
import { freePort, startNatsServer, startPostgresServer, waitUntil } from "@bulkhead/devstack"
import { PgClient } from "@effect/sql-pg"
import { connect } from "@nats-io/transport-node"
import { Effect, Redacted } from "effect"
import { startService } from "../dev/src/ServiceProcess.ts"
import { temporaryFolder } from "../dev/src/temporaryFolder.ts"
import { type FloodReport, type FloodWish, payloadOf } from "./flood/flood.ts"
import type { Benchmark } from "./run.ts"

const QUIET = Array.from({ length: 10 }, (_, index) => `quiet-${index}` as TenantSlug)
const LOUD = "loud" as TenantSlug
const QUIET_PER_SECOND = 20
const LOUD_TIMES = 100
const ROUNDS = 10
const PHASE_MS = 2_500
const RATIO_MAX = 2

const TOKEN = Redacted.make("a token of this benchmark alone")
const SUBJECT = "events.bench.fairness"

type Phase = "quiet" | "loud"

const percentile = (values: ReadonlyArray<number>, share: number): number =>
  [...values].sort((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? Number.NaN

const startPlatform = Effect.gen(function* () {
  const folder = yield* temporaryFolder("fairness")
  const nats = yield* startNatsServer()
  const postgres = yield* startPostgresServer({ settings: { track_commit_timestamp: "on" } })
  const database = yield* postgres.createDatabase("core")
  const [port, opsPort] = [yield* freePort, yield* freePort]
  yield* startService({
    name: "core",
    entry: "services/core/src/main.ts",
    env: {
      NATS_URL: nats.url,
      NATS_TENANT_PREFIX_ENABLED: "true",
      DATABASE_URL: Redacted.value(database),
      CORE_HTTP_PORT: String(port),
      CORE_API_TOKEN: Redacted.value(TOKEN),
      CORE_ACCOUNTS: "none",
      CORE_CANARY_MS: "0",
      OPS_PORT: String(opsPort),
      LOG_LEVEL: "warn"
    },
    readyUrl: `http://127.0.0.1:${opsPort}/readyz`,
    logFile: `${folder}/core.log`,
    pidFile: `${folder}/core.pid`
  })
  const api = yield* coreClient(`http://127.0.0.1:${port}`, TOKEN)
  for (const slug of [...QUIET, LOUD]) yield* api.tenants.create({ payload: { slug, name: slug, plan: "free" } })
  const limits = { eventsPerSecond: "unlimited", bytesPerSecond: "unlimited" }
  yield* api.tenants.change({ params: { slug: LOUD }, payload: { limits } })
  return { nats, database, api, opsPort }
})

/** Publishes until the time is over, in a thread of its own. */
const flood = (wish: FloodWish) =>
  Effect.callback<FloodReport, Error>((resume) => {
    const worker = new Worker(fileURLToPath(new URL("./flood/flood.ts", import.meta.url)), { workerData: wish })
    worker.once("message", (report: FloodReport) => resume(Effect.succeed(report)))
    worker.once("error", (error) => resume(Effect.fail(error instanceof Error ? error : new Error(String(error)))))
    return Effect.promise(() => worker.terminate())
  })

const measure = Effect.gen(function* () {
  const { nats, database, api } = yield* startPlatform
  const connection = yield* Effect.acquireRelease(
    Effect.promise(() => connect({ servers: nats.url })),
    (open) => Effect.promise(() => open.close())
  )

  const awaitNoLag = (slug: TenantSlug) =>
    waitUntil(
      `${slug} has no lag`,
      Effect.map(api.health.get({ params: { slug } }), ({ lagMessages }) => lagMessages === 0),
      "60 seconds"
    )

  /** Each quiet tenant sends evenly, all of them spread over the interval. */
  const sendQuietly = (phase: string) =>
    Effect.promise(async () => {
      const everyMs = 1_000 / QUIET_PER_SECOND / QUIET.length
      const began = performance.now()
      for (let count = 0; count * everyMs < PHASE_MS; count += 1) {
        const waitMs = began + count * everyMs - performance.now()
        if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
        connection.publish(`${QUIET[count % QUIET.length]}.${SUBJECT}`, payloadOf(phase))
      }
    })

  const loudReports: Array<FloodReport & { readonly writtenInTime: number }> = []
  const perSecond = QUIET_PER_SECOND * LOUD_TIMES
  const wish = { url: nats.url, subject: `${LOUD}.${SUBJECT}`, perSecond, ms: PHASE_MS }
  const written = Effect.map(api.health.get({ params: { slug: LOUD } }), ({ rowsWritten }) => rowsWritten)

  const runPhase = Effect.fnUntraced(function* (phase: string, kind: Phase) {
    if (kind === "quiet") return yield* sendQuietly(phase)
    const before = yield* written
    const [report] = yield* Effect.all([flood(wish), sendQuietly(phase)], { concurrency: 2 })
    loudReports.push({ ...report, writtenInTime: (yield* written) - before })
    yield* awaitNoLag(LOUD)
  })

  // The first round of both warms up.
  for (let round = 0; round <= ROUNDS; round += 1) {
    yield* runPhase(`${round}/quiet`, "quiet")
    yield* runPhase(`${round}/loud`, "loud")
  }
  yield* Effect.forEach(QUIET, awaitNoLag)

  const latencies = yield* Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const rows = yield* Effect.forEach(QUIET, (slug) =>
      sql
        .unsafe<{ phase: string; ms: number }>(
          `select unmapped->>'phase' as phase,
             (extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000 - (unmapped->>'sentAtMs')::float8)::float8 as ms
           from ${schemaName(slug)}.ocsf_events where unmapped ? 'sentAtMs'`
        )
        .pipe(Effect.map((found) => found.map((row) => ({ ...row, slug }))))
    )
    return rows.flat().filter(({ phase }) => !phase.startsWith("0/"))
  }).pipe(Effect.provide(PgClient.layer({ url: database, maxConnections: 1 })))
  return { latencies, loudReports: loudReports.slice(1) }
})

const show = (values: ReadonlyArray<number>) =>
  [0.5, 0.95, 0.99, 1].map((share) => percentile(values, share).toFixed(0)).join("/")

export const benchmark: Benchmark = async () => {
  const { latencies, loudReports } = await Effect.runPromise(Effect.scoped(measure))
  const of = (kind: Phase, slug?: TenantSlug) =>
    latencies.filter((row) => row.phase.endsWith(kind) && (slug === undefined || row.slug === slug)).map(({ ms }) => ms)
  const ratio = percentile(of("loud"), 0.99) / percentile(of("quiet"), 0.99)
  const worst = Math.max(
    ...QUIET.map((slug) => percentile(of("loud", slug), 0.99) / percentile(of("quiet", slug), 0.99))
  )
  const seconds = (PHASE_MS / 1_000) * loudReports.length
  const perSecond = (pick: (report: (typeof loudReports)[number]) => number) =>
    Math.round(loudReports.reduce((sum, report) => sum + pick(report), 0) / seconds)
  const figures =
    `p99 of the others while one tenant sends ${LOUD_TIMES} times as much; p50/p95/p99/max ms quiet ${show(of("quiet"))}, ` +
    `loud ${show(of("loud"))} of ${of("loud").length} events; the worst tenant's ratio ${worst.toFixed(2)}; ` +
    `${QUIET.length} tenants sent ${QUIET_PER_SECOND}/s each, the loud one ${perSecond(({ published }) => published)}/s, ` +
    `of which ${perSecond(({ writtenInTime }) => writtenInTime)}/s were written meanwhile`
  return { ratio, isGood: ratio <= RATIO_MAX, text: `(limit ${RATIO_MAX}): ${figures}` }
}
