/**
 * An installation without tenants on servers of its own, alive: nats-server with one stream, PostgreSQL, the writer that it
 * always had, publishers, and a core that waits for streams with tenants.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { freePort, startNatsServer, startPostgresServer } from "@bulkhead/devstack"
import { PgClient } from "@effect/sql-pg"
import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect, Layer, Redacted } from "effect"
import { startService } from "../ServiceProcess.ts"
import { temporaryFolder } from "../temporaryFolder.ts"
import { OLD_STREAM, OLD_TABLE, OLD_WRITER, startOldWriter } from "./OldWriter.ts"
import { type PublishersOptions, startPublishers } from "./Publishers.ts"
import { tally } from "./tally.ts"

const DATABASE = "bulkhead"
const TOKEN = "a token of the rehearsal alone"
/** Repeats come well within the duplicate window, and late enough to fall on the other side of a switch. */
const PUBLISHERS = { publishers: 3, pauseMs: 15, repeatAfterMs: 1_500 }

/** Core's own login, with the rights it is deployed with. */
const prepareDatabase = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  yield* sql.unsafe("create role core login createrole")
  yield* sql.unsafe(`grant create on database ${DATABASE} to core`)
})

/** It says nothing of prefixes: the flags in NATS do. */
const startCore = Effect.fnUntraced(function* (folder: string, natsUrl: string, databaseUrl: string) {
  const [port, opsPort] = [yield* freePort, yield* freePort]
  return yield* startService({
    name: "core",
    entry: "services/core/src/main.ts",
    env: {
      NATS_URL: natsUrl,
      DATABASE_URL: databaseUrl,
      CORE_HTTP_PORT: String(port),
      CORE_API_TOKEN: TOKEN,
      CORE_ACCOUNTS: "none",
      CORE_CANARY_MS: "0",
      OPS_HOST: "127.0.0.1",
      OPS_PORT: String(opsPort),
      LOG_FORMAT: "json"
    },
    readyUrl: `http://127.0.0.1:${opsPort}/readyz`,
    logFile: join(folder, "core.log"),
    pidFile: join(folder, "core.pid")
  })
})

/** Starts it all in a temporary folder on free ports; ends with the scope. */
export const startStack = Effect.fnUntraced(function* (paces: Partial<Pick<PublishersOptions, "repeatAfterMs">> = {}) {
  const folder = yield* temporaryFolder("rehearsal")
  mkdirSync(folder, { recursive: true })
  const postgres = yield* startPostgresServer({ folder: join(folder, "postgres") })
  const databaseUrl = yield* postgres.createDatabase(DATABASE)
  const pool = yield* Layer.build(PgClient.layer({ url: databaseUrl, maxConnections: 4 }))
  yield* Effect.provide(prepareDatabase, pool)
  const nats = yield* startNatsServer({ folder: join(folder, "nats") })
  const connection = yield* Effect.acquireRelease(
    Effect.promise(() => connect({ servers: nats.url, name: "old installation" })),
    (open) => Effect.promise(() => open.close())
  )
  const manager = yield* Effect.promise(() => jetstreamManager(connection))
  yield* Effect.provide(startOldWriter(connection, manager), pool)
  const publishers = yield* startPublishers({ natsUrl: nats.url, ...PUBLISHERS, ...paces })
  const core = yield* startCore(folder, nats.url, Redacted.value(databaseUrl).replace("postgres@", "core@"))
  const mappingFile = join(folder, "mapping.json")
  writeFileSync(mappingFile, JSON.stringify({ consumers: { [`${OLD_STREAM}/${OLD_WRITER}`]: "move" } }))

  const tallyOf = (table: string) =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const rows = yield* sql.unsafe<{ id: string }>(`select id::text as id from ${table}`)
      return tally(
        publishers.acknowledged,
        rows.map(({ id }) => id)
      )
    }).pipe(Effect.provide(pool))

  return {
    natsUrl: nats.url,
    manager,
    publishers,
    mappingFile,
    /** What the writer of old has written. */
    oldRows: tallyOf(OLD_TABLE),
    /** What core has written for tenant `default`. */
    coreRows: tallyOf("tenant_default.ocsf_events"),
    /** Fails when core has ended by itself. */
    coreEnded: core.ended
  }
})

export type Stack = Effect.Success<ReturnType<typeof startStack>>
