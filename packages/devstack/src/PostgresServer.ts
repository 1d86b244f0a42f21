/**
 * A real PostgreSQL 18 on a free port of 127.0.0.1, from binaries that npm installed.
 */
import { existsSync, mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PgClient } from "@effect/sql-pg"
import { Context, Effect, Layer, Redacted, type Scope } from "effect"
import { DevstackError } from "./DevstackError.ts"
import { portFor } from "./freePort.ts"
import { initialise } from "./initialise.ts"
import { postgresBinaries } from "./postgresBinaries.ts"
import { isRoot, NOBODY, preparePostgresFolder, removePostgresFolder } from "./postgresFolder.ts"
import { type ServerProcess, startServerProcess } from "./ServerProcess.ts"
import { stopLeftover } from "./stopLeftover.ts"

/** How to run the server; everything has a default that suits a test. */
export interface PostgresServerOptions {
  /** TCP port; a free one when absent. */
  readonly port?: number
  /** Data folder, kept; a temporary one, removed at the end, when absent. */
  readonly folder?: string
  /** File that gets the server's output, appended. */
  readonly logFile?: string
  /** Server settings, as `name: value`; they win over the stack's own. */
  readonly settings?: Readonly<Record<string, string>>
}

/** A running PostgreSQL. */
export interface RunningPostgresServer extends ServerProcess {
  readonly port: number
  /** Where its data really is. */
  readonly dataFolder: string
  /** The URL of a database of this server, as its superuser. */
  readonly url: (database?: string) => Redacted.Redacted<string>
  /** Creates an empty database and gives its URL. */
  readonly createDatabase: (name: string) => Effect.Effect<Redacted.Redacted<string>, DevstackError>
}

const failure = (problem: string, cause: unknown) =>
  new DevstackError({ component: "postgresql", problem, nextStep: "Remove its folder and try again", cause })

/** Starts a PostgreSQL and stops it when the scope closes; it takes connections on success. */
export const startPostgresServer = Effect.fnUntraced(function* (
  options: PostgresServerOptions = {}
): Effect.fn.Return<RunningPostgresServer, DevstackError, Scope.Scope> {
  const binaries = yield* postgresBinaries
  const folder = options.folder ?? (yield* temporaryFolder)
  const data = yield* Effect.try({
    try: () => preparePostgresFolder(folder),
    catch: (cause) => failure(`its folder ${folder} cannot be made ready`, cause)
  })
  yield* stopLeftover(join(data, "postmaster.pid"), data, "SIGINT")
  const port = yield* portFor("postgresql", options.port)
  if (!existsSync(join(data, "PG_VERSION"))) yield* initialise(binaries, data)
  const settings = {
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: "",
    ...options.settings
  }
  const server = yield* startServerProcess({
    component: "postgresql",
    command: join(binaries.bin, "postgres"),
    args: ["-D", data, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
    ...(isRoot ? { runAs: NOBODY } : {}),
    stopSignal: "SIGINT",
    isReady: (line) => line.includes("ready to accept connections"),
    ...(options.logFile === undefined ? {} : { logFile: options.logFile })
  })
  const url = (database = "postgres") => Redacted.make(`postgres://postgres@127.0.0.1:${port}/${database}`)
  const createDatabase = (name: string) =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* sql.unsafe(`create database "${name}"`)
      return url(name)
    }).pipe(
      Effect.provide(PgClient.layer({ url: url(), maxConnections: 1 })),
      Effect.mapError((cause) => failure(`database "${name}" could not be created`, cause))
    )
  return { ...server, port, dataFolder: data, url, createDatabase }
})

const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "bulkhead-pg-"))),
  (folder) => Effect.sync(() => removePostgresFolder(folder))
)

/** The PostgreSQL of a test suite or of the local platform. */
export class PostgresServer extends Context.Service<PostgresServer, RunningPostgresServer>()(
  "@bulkhead/devstack/PostgresServer"
) {
  static readonly layer = (options: PostgresServerOptions = {}): Layer.Layer<PostgresServer, DevstackError> =>
    Layer.effect(PostgresServer, startPostgresServer(options))
}
