/**
 * An installation on a real nats-server in operator mode, for tests and benchmarks of this repository: tenants are
 * onboarded in a call, and anybody can connect as anybody.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { streamName, type TenantSlug } from "@bulkhead/channels"
import { freePort, startNatsServer } from "@bulkhead/devstack"
import { jetstreamManager } from "@nats-io/jetstream"
import { decode, type Permissions } from "@nats-io/jwt"
import { connect, credsAuthenticator, type NodeConnectionOptions } from "@nats-io/transport-node"
import { Effect, Layer, Redacted } from "effect"
import {
  AccountServers,
  credsFile,
  makeInstallation,
  makeTenantKeys,
  NKey,
  operatorConfig,
  PLANS,
  signPlatform,
  signPlatformUser,
  signTenantAccount,
  signTenantUser,
  type TenantAccount,
  type TenantKeys,
  type TenantRole,
  type TlsFiles,
  tlsBlock
} from "../src/index.ts"

export const everything: Permissions = { pub: { allow: [">"] }, sub: { allow: [">"] } }

export const inAnHour = () => new Date(Date.now() + 3_600_000)

export const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "bulkhead-accounts-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** A user with its secret. */
export interface TestUser {
  readonly publicKey: string
  readonly claims: string
  readonly key: NKey
}

/** A user of a tenant, valid for an hour. */
export const makeTenantUser = (keys: TenantKeys, name: string, role: TenantRole, expiresAt = inAnHour()) =>
  Effect.promise(async (): Promise<TestUser> => {
    const key = NKey.make("user")
    const user = { name, publicKey: key.publicKey, expiresAt }
    return { publicKey: key.publicKey, claims: await signTenantUser(user, role, keys), key }
  })

/** Connects with whatever credentials; fails when the server refuses them. Closed with the scope. */
export const connectWith = (url: string, user: Pick<TestUser, "claims" | "key">, options: NodeConnectionOptions = {}) =>
  Effect.acquireRelease(
    Effect.tryPromise(() =>
      connect({
        servers: url,
        authenticator: credsAuthenticator(new TextEncoder().encode(Redacted.value(credsFile(user.claims, user.key)))),
        reconnect: false,
        ...options
      })
    ),
    (open) => Effect.promise(() => open.close())
  )

/** Starts the server; its system account and its platform's have a connection that may do everything. */
export const startInstallation = Effect.fnUntraced(function* (options: { readonly leafTls?: TlsFiles } = {}) {
  const folder = yield* temporaryFolder
  const keys = yield* Effect.promise(() => makeInstallation("test", NKey.make("operator")))
  const claims = yield* Effect.promise(() => signPlatform(keys))
  const leafPort = yield* freePort
  const leafTls = options.leafTls === undefined ? "" : `, ${tlsBlock(options.leafTls)}`
  const server = yield* startNatsServer({
    folder: join(folder, "server"),
    config: `${operatorConfig(keys, claims, join(folder, "claims"))}\nleafnodes { listen: "127.0.0.1:${leafPort}"${leafTls} }`
  })
  const platformUser = (name: string, account: "system" | "platform", permissions = everything) =>
    Effect.promise(async (): Promise<TestUser> => {
      const key = NKey.make("user")
      const user = { name, publicKey: key.publicKey, expiresAt: inAnHour() }
      return { publicKey: key.publicKey, claims: await signPlatformUser(user, permissions, keys[account]), key }
    })
  const system = yield* connectWith(server.url, yield* platformUser("system", "system"))
  const platform = yield* connectWith(server.url, yield* platformUser("platform", "platform"))
  const servers = yield* Effect.provideContext(
    AccountServers,
    yield* Layer.build(AccountServers.layer(Effect.succeed(system), "_INBOX"))
  )

  /** Signs and pushes an account's claims. */
  const push = (account: TenantAccount, tenantKeys: TenantKeys) =>
    Effect.flatMap(
      Effect.promise(() => signTenantAccount(account, tenantKeys, keys)),
      (jwt) => Effect.as(servers.push(jwt), jwt)
    )

  /** An account with its bridge, and a stream that takes all its subjects. */
  const onboard = Effect.fnUntraced(function* (slug: string, change: Partial<TenantAccount> = {}) {
    const account: TenantAccount = { tenant: slug as TenantSlug, limits: PLANS.pro, ...change }
    const tenantKeys = makeTenantKeys()
    const accountClaims = yield* push(account, tenantKeys)
    const { imports = [] } = decode<{ imports: Array<{ type: string; subject: string }> }>(accountClaims).nats
    const subjects = imports.filter(({ type }) => type === "service").map(({ subject }) => subject)
    yield* Effect.promise(async () =>
      (await jetstreamManager(platform)).streams.add({ name: streamName(account.tenant), subjects, allow_atomic: true })
    )
    const user = (role: TenantRole, name: string = role) => makeTenantUser(tenantKeys, name, role)
    const connectAs = (role: TenantRole, options: NodeConnectionOptions = {}) =>
      Effect.flatMap(user(role), (made) => connectWith(server.url, made, options))
    return { account, keys: tenantKeys, claims: accountClaims, user, connectAs }
  })

  /** Messages in a tenant's stream. */
  const stored = (slug: string) =>
    Effect.promise(async () => {
      const { state } = await (await jetstreamManager(platform)).streams.info(streamName(slug as TenantSlug))
      return state.messages
    })

  return {
    folder,
    keys,
    claims,
    server,
    leafPort,
    leafUrl: `nats-leaf://127.0.0.1:${leafPort}`,
    system,
    platform,
    servers,
    platformUser,
    push,
    onboard,
    stored
  }
})

export type TestInstallation = Effect.Success<ReturnType<typeof startInstallation>>
export type TestTenant = Effect.Success<ReturnType<TestInstallation["onboard"]>>
