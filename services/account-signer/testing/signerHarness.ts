/**
 * A bootstrapped installation on real servers, with the signer in this process: for tests of the signer and of what asks
 * it. The servers can be stopped and started under it.
 */
import { randomBytes } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { credsFile, NKey, signPlatformUser } from "@bulkhead/accounts"
import { freePort, startNatsServer, startPostgresServer } from "@bulkhead/devstack"
import { Nats } from "@bulkhead/nats"
import { Health, Metrics } from "@bulkhead/observability"
import { SecretStore } from "@bulkhead/secrets"
import { Database } from "@bulkhead/storage"
import { PgClient } from "@effect/sql-pg"
import type { Permissions } from "@nats-io/jwt"
import { ConfigProvider, Effect, Layer, Logger, Redacted } from "effect"
import { SignerClient } from "../src/client/index.ts"
import { Keyring } from "../src/Keyring.ts"
import { PLATFORM_USERS, type PlatformUserName } from "../src/platformUsers.ts"
import { SignerApp } from "../src/SignerApp.ts"
import { writeInstallation } from "../src/writeInstallation.ts"

const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "bulkhead-signer-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** Servers with an installation, and no signer yet; `natsConfig` is added to the nats-server's configuration. */
export const startServers = Effect.fnUntraced(function* (natsConfig = "", resolverLimit = 100_000) {
  const folder = yield* temporaryFolder
  const postgres = yield* startPostgresServer()
  const database = yield* postgres.createDatabase("signer")
  const environment = {
    DATABASE_URL: Redacted.value(database),
    SECRETS_KEYS: `test:${randomBytes(32).toString("base64")}`,
    SIGNER_SYSTEM_CREDS_FILE: join(folder, "signer-system.creds"),
    SIGNER_PLATFORM_CREDS_FILE: join(folder, "signer.creds"),
    SIGNER_RESUME_MS: "200"
  }
  const settings = ConfigProvider.layer(ConfigProvider.fromEnvRecord(environment))
  const secrets = SecretStore.layer.pipe(Layer.provideMerge(Database.layer), Layer.provide(settings))
  const keyringContext = yield* Layer.build(Keyring.layer.pipe(Layer.provide(secrets)))
  const keyring = yield* Effect.provideContext(Keyring, keyringContext)
  const keys = yield* keyring.ensureInstallation("test")
  yield* Effect.promise(() =>
    writeInstallation(keys, { folder, credsDays: 1, resolverFolder: join(folder, "resolver") })
  )
  const leafPort = yield* freePort
  const nats = yield* startNatsServer({
    folder: join(folder, "nats"),
    config: [
      readFileSync(join(folder, "operator.conf"), "utf8").replace(/limit: \d+/, `limit: ${resolverLimit}`),
      `leafnodes { listen: "127.0.0.1:${leafPort}" }`,
      natsConfig
    ].join("\n")
  })
  const coreEnvironment = {
    NATS_URL: nats.url,
    NATS_CREDS_FILE: join(folder, "core.creds"),
    NATS_INBOX_PREFIX: PLATFORM_USERS.core.inboxPrefix
  }
  return {
    folder,
    postgres,
    database,
    nats,
    leafPort,
    keys,
    keyring,
    environment: { ...environment, NATS_URL: nats.url },
    coreEnvironment
  }
})

export type Servers = Effect.Success<ReturnType<typeof startServers>>

/** The signer, until the scope closes; gives its metrics. */
export const startSigner = (servers: Servers, change: Record<string, string> = {}) => {
  const settings = ConfigProvider.layer(ConfigProvider.fromEnvRecord({ ...servers.environment, ...change }))
  const process = Layer.mergeAll(Health.layer, Metrics.layer("account-signer", "test"))
  return Effect.flatMap(Layer.build(SignerApp.pipe(Layer.provideMerge(process), Layer.provide(settings))), (context) =>
    Effect.provideContext(Metrics, context)
  )
}

/** The right to answer whoever asked, among the subjects of `permissionsOf`. */
export const RESPONSES = "(responses)"

/** What a user may publish and subscribe, each of which a test may take away. */
export const permissionsOf = (name: PlatformUserName): ReadonlyArray<string> => {
  const { pub, sub, resp } = PLATFORM_USERS[name].permissions
  return [...(pub?.allow ?? []), ...(sub?.allow ?? []), ...(resp === undefined ? [] : [RESPONSES])]
}

/** Credentials of one of the platform's services, with one of its permissions taken away. */
export const credentialsWithout = (servers: Servers, name: PlatformUserName, permission: string | undefined) =>
  Effect.promise(async () => {
    const { account, permissions } = PLATFORM_USERS[name]
    const { pub, sub, resp } = permissions
    const others = (allow: ReadonlyArray<string> = []) => allow.filter((subject) => subject !== permission)
    const narrowed: Permissions = {
      pub: { ...pub, allow: others(pub?.allow) },
      // Nothing allowed would mean everything.
      sub: { ...sub, allow: [...others(sub?.allow), "of.nobody"] },
      ...(resp === undefined || permission === RESPONSES ? {} : { resp })
    }
    const key = NKey.make("user")
    const user = { name, publicKey: key.publicKey, expiresAt: new Date(Date.now() + 3_600_000) }
    const claims = await signPlatformUser(user, narrowed, servers.keys[account])
    const file = join(servers.folder, `${name}-${key.publicKey}.creds`)
    writeFileSync(file, Redacted.value(credsFile(claims, key)))
    return file
  })

/** Collects the subjects that NATS refused us, to publish or to subscribe, as they are logged. */
export const refusedSubjects = () => {
  const subjects: Array<string> = []
  const logger = Logger.make(({ message }) => {
    const [, subject] =
      /Permissions Violation for (?:Publish|Subscription) to \\?"([^"\\]+)/i.exec(JSON.stringify(message)) ?? []
    if (subject !== undefined) subjects.push(subject)
  })
  return { subjects, layer: Logger.layer([logger]) }
}

/** Core's side of the conversation. */
export const connectClient = (servers: Servers) => {
  const settings = ConfigProvider.layer(ConfigProvider.fromEnvRecord(servers.coreEnvironment))
  const layer = SignerClient.layer.pipe(Layer.provide(Nats.layer), Layer.provide(settings))
  return Effect.flatMap(Layer.build(layer), (context) => Effect.provideContext(SignerClient, context))
}

/** Looks into the signer's database, or meddles with it. */
export const query = (servers: Servers, text: string) =>
  Effect.flatMap(PgClient.PgClient, (sql) => sql.unsafe<Record<string, unknown>>(text)).pipe(
    Effect.provide(PgClient.layer({ url: servers.database, maxConnections: 1 }))
  )
