/**
 * PostgreSQL with a login for each service, the installation's operator, and a nats-server under it.
 */
import { execFile } from "node:child_process"
import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { freePort, type RunningPostgresServer, startNatsServer, startPostgresServer } from "@bulkhead/devstack"
import { PgClient } from "@effect/sql-pg"
import { Effect, Redacted } from "effect"
import { DevError } from "./DevError.ts"
import type { DevFolder } from "./DevFolder.ts"
import { makeCertificates } from "./tls.ts"

const run = promisify(execFile)
const BOOTSTRAP = fileURLToPath(new URL("../../services/account-signer/src/bootstrap.ts", import.meta.url))

const DATABASE = "bulkhead"

/** Has no login: core gives it each tenant's role, to be taken for a transaction. */
const LANE_WRITERS = "bulkhead_lane_writers"

/** The services' own logins, none a superuser, and what each may do in the database. */
const LOGINS = {
  // It may make roles and schemas: the tenants'.
  core: { name: "bulkhead_core", attributes: "createrole", mayCreate: true },
  // It has a schema that no other login can read.
  "account-signer": { name: "bulkhead_signer", attributes: "", mayCreate: true },
  // It writes tenants' rows, and makes nothing.
  "db-event-writer": { name: "bulkhead_event_writer", attributes: `in role ${LANE_WRITERS}`, mayCreate: false }
} as const
export type LoginName = keyof typeof LOGINS

const passwordOf = (folder: DevFolder, login: LoginName) => Redacted.value(folder.secret(`postgres-${login}`))

const prepareDatabase = (folder: DevFolder, postgres: RunningPostgresServer) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const databases = yield* sql`select from pg_database where datname = ${DATABASE}`
    if (databases.length === 0) yield* sql.unsafe(`create database ${DATABASE}`)
    const isMissing = (role: string) =>
      Effect.map(sql`select from pg_roles where rolname = ${role}`, (roles) => roles.length === 0)
    if (yield* isMissing(LANE_WRITERS)) yield* sql.unsafe(`create role ${LANE_WRITERS} nologin`)
    for (const login of Object.keys(LOGINS) as Array<LoginName>) {
      const { name, attributes, mayCreate } = LOGINS[login]
      if (!(yield* isMissing(name))) continue
      yield* sql.unsafe(`create role ${name} login password '${passwordOf(folder, login)}' ${attributes}`)
      if (mayCreate) yield* sql.unsafe(`grant create on database ${DATABASE} to ${name}`)
    }
  }).pipe(Effect.provide(PgClient.layer({ url: postgres.url(), maxConnections: 1 })), Effect.orDie)

/** What the signer needs besides NATS. */
export const signerEnvironment = (folder: DevFolder, databaseUrl: string): Record<string, string> => ({
  DATABASE_URL: databaseUrl,
  SECRETS_KEYS_FILE: folder.secretFile("signer-keys", () => `dev:${randomBytes(32).toString("base64")}\n`)
})

/** The operator, made at the first start and the same ever after. */
const bootstrap = (folder: DevFolder, databaseUrl: string) =>
  Effect.tryPromise({
    try: () =>
      run(process.execPath, ["--conditions=@bulkhead/source", BOOTSTRAP], {
        env: {
          PATH: process.env.PATH,
          NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
          ...signerEnvironment(folder, databaseUrl),
          BOOTSTRAP_FOLDER: folder.installation,
          BOOTSTRAP_NAME: "bulkhead-dev",
          BOOTSTRAP_RESOLVER_FOLDER: join(folder.nats, "claims")
        }
      }),
    catch: (cause) => {
      const { stderr = "" } = cause as { readonly stderr?: string }
      return new DevError({ problem: `the installation was not made: ${stderr.trim()}`, nextStep: "Try --reset" })
    }
  })

/** Starts both servers; NATS trusts the installation's operator alone. */
export const startServers = Effect.fnUntraced(function* (folder: DevFolder, withTls: boolean) {
  const postgres = yield* startPostgresServer({ folder: folder.postgres, logFile: join(folder.logs, "postgresql.log") })
  yield* prepareDatabase(folder, postgres)
  const databaseUrl = (login: LoginName) =>
    `postgres://${LOGINS[login].name}:${passwordOf(folder, login)}@127.0.0.1:${postgres.port}/${DATABASE}`
  yield* bootstrap(folder, databaseUrl("account-signer"))
  const tls = withTls ? yield* makeCertificates(folder.tls) : undefined
  const leafPort = yield* freePort
  const tlsBlock = tls === undefined ? "" : `tls { cert_file: "${tls.certFile}", key_file: "${tls.keyFile}" }`
  const nats = yield* startNatsServer({
    folder: folder.nats,
    config: [
      readFileSync(join(folder.installation, "operator.conf"), "utf8"),
      tlsBlock,
      `leafnodes {\n  listen: "127.0.0.1:${leafPort}"\n  ${tlsBlock}\n}`
    ].join("\n"),
    logFile: join(folder.logs, "nats-server.log")
  })
  return {
    postgres,
    /** The database as its superuser, for checks that look into every schema. */
    adminUrl: postgres.url(DATABASE),
    databaseUrl,
    monitorUrl: nats.monitorUrl,
    leafUrl: `${tls === undefined ? "nats-leaf" : "tls"}://127.0.0.1:${leafPort}`,
    /** How every program reaches NATS. */
    natsEnvironment: {
      NATS_URL: tls === undefined ? nats.url : nats.url.replace("nats://", "tls://"),
      ...(tls === undefined ? {} : { NATS_TLS_CA: tls.caFile })
    }
  }
})

export type Servers = Effect.Success<ReturnType<typeof startServers>>
