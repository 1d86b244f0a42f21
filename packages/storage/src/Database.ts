/**
 * The connection pool to PostgreSQL, made from configuration. Building the layer waits for the server, so that a
 * service that starts before its database comes up by itself.
 */
import { randomUUID } from "node:crypto"
import { readFile } from "node:fs/promises"
import { readSettings, Setting } from "@bulkhead/settings"
import { PgClient } from "@effect/sql-pg"
import { type Config, Context, Duration, Effect, Fiber, Layer, Redacted, Schedule, Semaphore } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import type { SqlError } from "effect/sql/SqlError"
import { failed, isUnavailable } from "./internal/sqlFailure.ts"
import { DatabaseMisconfigured, DatabaseUnavailable, type StorageError } from "./StorageError.ts"

/** How to reach PostgreSQL. */
export interface DatabaseOptions {
  /** `postgres://user:password@host:5432/database?sslmode=…` */
  readonly url: Redacted.Redacted<string>
  /** Connections at most, without those of lanes. Default 10. */
  readonly poolMax?: number
  /** Connections on which lanes commit. Default 4. */
  readonly laneConnections?: number
  /** What `pg_stat_activity` shows, with a suffix that no other process has. Default `bulkhead`. */
  readonly applicationName?: string
  /** How long to wait for a server that does not answer yet, milliseconds. Default 30000. */
  readonly startTimeoutMs?: number
}

/** `SET ROLE` rights apart from inheritance came with PostgreSQL 16, and the walls are built from them. */
const SERVER_VERSION_MIN = 160_000

/** One connection, for whoever has the turn. */
export interface LaneConnection {
  readonly sql: PgClient.PgClient
  readonly turn: Semaphore.Semaphore
}

/** The pool, and whether it works. */
export class Database extends Context.Service<
  Database,
  {
    /** For packages that keep tables of their own beside ours. */
    readonly sql: PgClient.PgClient
    /** For `LaneStore` alone: it takes a tenant's role on them that stays, so nobody else may use them. */
    readonly lanes: ReadonlyArray<LaneConnection>
    /** Whether PostgreSQL answers within a second: a readiness check. */
    readonly isUp: Effect.Effect<boolean>
  }
>()("@bulkhead/storage/Database") {
  /** From the settings `DATABASE_…`. */
  static readonly layer: Layer.Layer<Database, Config.ConfigError | StorageError> = Layer.effect(
    Database,
    Effect.suspend(() => Effect.flatMap(databaseOptions, make))
  )

  static readonly layerWith = (options: DatabaseOptions): Layer.Layer<Database, StorageError> =>
    Layer.effect(Database, make(options))
}

const POOL_MAX = 10
const LANE_CONNECTIONS = 4

const misconfigured = (problem: string, nextStep: string): StorageError =>
  failed("Database.layer", new DatabaseMisconfigured({ problem, nextStep }))

const connections = { from: 1, to: 1_000 }

export const databaseSettings = {
  url: Setting.secret(
    "DATABASE_URL",
    "`postgres://user:password@host:5432/database?sslmode=…`; required without `DATABASE_URL_FILE`"
  ).optional,
  urlFile: Setting.text("DATABASE_URL_FILE", "a file with the same, which wins", "path").optional,
  poolMax: Setting.whole("DATABASE_POOL_MAX", "connections", connections, "for all but lanes").or(POOL_MAX),
  laneConnections: Setting.whole(
    "DATABASE_LANE_CONNECTIONS",
    "connections",
    connections,
    "for lanes; a tenant always has the same one"
  ).or(LANE_CONNECTIONS),
  applicationName: Setting.text(
    "DATABASE_APPLICATION_NAME",
    "as `pg_stat_activity` shows it, with a suffix for the process"
  ).or("bulkhead"),
  startTimeoutMs: Setting.whole(
    "DATABASE_START_TIMEOUT_MS",
    "milliseconds",
    { from: 0 },
    "how long to wait for a server that does not answer yet"
  ).or(30_000)
}

const readUrlFile = (file: string) =>
  Effect.tryPromise({
    try: async () => Redacted.make((await readFile(file, "utf8")).trim()),
    catch: (cause) =>
      misconfigured(
        `DATABASE_URL_FILE="${file}" cannot be read (${(cause as NodeJS.ErrnoException).code})`,
        "check the path, and that this process may read it"
      )
  })

const databaseOptions = Effect.gen(function* () {
  const { url, urlFile, ...options } = yield* readSettings(databaseSettings)
  if (urlFile !== undefined) return { ...options, url: yield* readUrlFile(urlFile) }
  if (url !== undefined) return { ...options, url }
  return yield* misconfigured(
    "Neither DATABASE_URL nor DATABASE_URL_FILE is set",
    "set one of them to the URL of PostgreSQL"
  )
})

/** Where the URL points, without the credentials in it. */
const placeOf = (url: Redacted.Redacted<string>): string | undefined => {
  const parsed = URL.parse(Redacted.value(url))
  if (parsed === null || !/^postgres(ql)?:$/.test(parsed.protocol)) return undefined
  return `${parsed.hostname}:${parsed.port || "5432"}${parsed.pathname}`
}

/** PostgreSQL cuts names at 63 bytes, and the suffix with them. */
const NAME_LENGTH_MAX = 40

/** A replica that froze is told from the others by it: `Replicas` ends its sessions. */
const uniqueName = (name: string): string => `${name.slice(0, NAME_LENGTH_MAX)}-${randomUUID().slice(0, 13)}`

const make = Effect.fnUntraced(function* (options: DatabaseOptions) {
  const place = placeOf(options.url)
  if (place === undefined) {
    return yield* misconfigured(
      "DATABASE_URL is no PostgreSQL URL",
      "set it to postgres://user:password@host:5432/database"
    )
  }
  const shared = {
    url: options.url,
    applicationName: uniqueName(options.applicationName ?? "bulkhead"),
    connectTimeout: Duration.seconds(5),
    // A server that vanished without a word is noticed within 20 s instead of two hours.
    keepAlive: Duration.seconds(10)
  }
  // Nobody queues for a lock, or holds one without working, for as long as a lane would notice.
  const patience = { lock_timeout: "10s", idle_in_transaction_session_timeout: "60s" }
  const open = (own: Omit<PgClient.PgPoolConfig, "url">) =>
    PgClient.make({ ...shared, ...own }).pipe(Effect.provide(Reactivity.layer), Effect.mapError(startFailure(place, 0)))
  const sql = yield* open({ maxConnections: options.poolMax ?? POOL_MAX, startupParameters: patience })
  // A commit that waits for a lock holds up the tenants that share its connection: it gives up soon, and the next one is
  // made apart (see `LaneStore.isHeldUp`).
  const impatience = { ...patience, lock_timeout: "1s" }
  // What a lane commits it can write again from the stream, so its commits need not wait for the disk. Statements that
  // are sent together travel in one write. A commit's plan is the same whatever the rows are: left alone, PostgreSQL would
  // make it anew, with all the rows in it, for the first five commits of each tenant.
  const ownSettings = { ...impatience, synchronous_commit: "off", plan_cache_mode: "force_generic_plan" }
  const lane = { maxConnections: 1, multiplex: true, startupParameters: ownSettings }
  const openLane = Effect.all({ sql: open(lane), turn: Semaphore.make(1) })
  const lanes = yield* Effect.all(Array.from({ length: options.laneConnections ?? LANE_CONNECTIONS }, () => openLane))
  yield* awaitServer(sql, place, options.startTimeoutMs ?? 30_000)
  const scope = yield* Effect.scope
  const probe = sql`select 1`.pipe(
    Effect.as(true),
    Effect.timeout("1 second"),
    Effect.orElseSucceed(() => false)
  )
  // In a fiber of its own, because cancelling a query on a frozen server takes longer than a probe may.
  const isUp = Effect.forkIn(probe, scope, { startImmediately: true }).pipe(
    Effect.flatMap(Fiber.join),
    Effect.timeoutOrElse({ duration: "1 second", orElse: () => Effect.succeed(false) })
  )
  return Database.of({ sql, lanes, isUp })
})

const startFailure = (place: string, timeoutMs: number) => (error: SqlError) =>
  failed(
    "Database.layer",
    isUnavailable(error)
      ? new DatabaseUnavailable({ problem: `${place} did not answer within ${timeoutMs} ms`, cause: error })
      : new DatabaseMisconfigured({
          problem: `${place} refused the connection`,
          nextStep: "check user, password and database name in DATABASE_URL",
          cause: error
        })
  )

const awaitServer = Effect.fnUntraced(function* (sql: PgClient.PgClient, place: string, timeoutMs: number) {
  const backoff = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("2 seconds")]).pipe(
    Schedule.jittered,
    Schedule.upTo({ duration: Duration.millis(timeoutMs) })
  )
  const [server] = yield* sql<{ version: number }>`select current_setting('server_version_num')::int as version`.pipe(
    Effect.tapError((error) =>
      isUnavailable(error) ? Effect.logWarning("waiting for PostgreSQL", { place }) : Effect.void
    ),
    Effect.retry({ schedule: backoff, while: isUnavailable }),
    Effect.mapError(startFailure(place, timeoutMs))
  )
  const version = server?.version ?? 0
  if (version < SERVER_VERSION_MIN) {
    return yield* failed(
      "Database.layer",
      new DatabaseMisconfigured({
        problem: `${place} runs PostgreSQL ${Math.floor(version / 10_000)}, older than 16`,
        nextStep: "upgrade it: tenants are kept apart by rights that older servers do not have"
      })
    )
  }
})
