/**
 * PostgreSQL with a login for each service, the installation's operator, and a nats-server under it.
 */
import { execFile } from "node:child_process"
import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { freePort, startNatsServer, startPostgresServer } from "@bulkhead/devstack"
import { type LoginName, prepareDatabase } from "@bulkhead/provisioner/database"
import { Effect, Redacted } from "effect"
import { DevError } from "./DevError.ts"
import type { DevFolder } from "./DevFolder.ts"
import { makeCertificates } from "./tls.ts"

const run = promisify(execFile)
const BOOTSTRAP = fileURLToPath(new URL("../../services/account-signer/src/bootstrap.ts", import.meta.url))

const DATABASE = "bulkhead"

/** The services' own logins. */
const LOGINS: Readonly<Record<LoginName, string>> = {
  core: "bulkhead_core",
  "account-signer": "bulkhead_signer",
  "db-event-writer": "bulkhead_event_writer",
  "netflow-consumer": "bulkhead_netflow_consumer"
}

const passwordOf = (folder: DevFolder, login: LoginName) => Redacted.value(folder.secret(`postgres-${login}`))

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
  const databaseUrl = (login: LoginName) =>
    `postgres://${LOGINS[login]}:${passwordOf(folder, login)}@127.0.0.1:${postgres.port}/${DATABASE}`
  yield* prepareDatabase(postgres.url(), {
    core: Redacted.make(databaseUrl("core")),
    "account-signer": Redacted.make(databaseUrl("account-signer")),
    "db-event-writer": Redacted.make(databaseUrl("db-event-writer")),
    "netflow-consumer": Redacted.make(databaseUrl("netflow-consumer"))
  })
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
