import { execFile, spawn } from "node:child_process"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import type { TenantSlug } from "@bulkhead/channels"
import { findNatsServer, freePort, startNatsServer, waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { jetstreamManager } from "@nats-io/jetstream"
import { connect, type NatsConnection } from "@nats-io/transport-node"
import { Effect, Layer, Redacted, Schedule } from "effect"
import { generate } from "selfsigned"
import {
  AccountServers,
  credsFile,
  type InstallationKeys,
  makeInstallation,
  makeTenantKeys,
  NKey,
  PLANS,
  type PlatformClaims,
  type ServerConfigOptions,
  serverConfig,
  signPlatform,
  signPlatformUser,
  signTenantAccount
} from "../src/index.ts"
import {
  connectWith,
  everything,
  inAnHour,
  makeTenantUser,
  type TestUser,
  temporaryFolder
} from "../testing/installation.ts"

const run = promisify(execFile)

const makeKeys = Effect.promise(async () => {
  const keys = await makeInstallation("test", NKey.make("operator"))
  return { keys, claims: await signPlatform(keys) }
})

const certificate = (folder: string) =>
  Effect.promise(async () => {
    const made = await generate([{ name: "commonName", value: "localhost" }], {
      keyType: "ec",
      algorithm: "sha256",
      // A nats-server looks at nothing else for the name.
      extensions: [{ name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }] }]
    })
    const write = (name: string, text: string) => {
      writeFileSync(join(folder, name), text)
      return join(folder, name)
    }
    return {
      caFile: write("ca.pem", made.cert),
      certFile: write("cert.pem", made.cert),
      keyFile: write("key.pem", made.private)
    }
  })

/** Everything a configuration can have. */
const options = Effect.fnUntraced(function* (folder: string) {
  const port = () => Effect.map(freePort, (free) => `127.0.0.1:${free}`)
  const monitor = yield* port()
  const whole: ServerConfigOptions = {
    serverName: "one",
    listen: yield* port(),
    monitor,
    tls: yield* certificate(folder),
    leafListen: yield* port(),
    cluster: { name: "test", listen: yield* port(), routes: [`nats-route://${yield* port()}`] },
    folder,
    jetStream: { memoryBytes: 64 * 1024 * 1024, fileBytes: 1024 * 1024 * 1024 }
  }
  return whole
})

/** Has the real server check the configuration, and run with it until the scope closes. */
const runServer = Effect.fnUntraced(function* (
  keys: InstallationKeys,
  claims: PlatformClaims,
  options: ServerConfigOptions
) {
  const file = join(options.folder, "nats-server.conf")
  writeFileSync(file, serverConfig(keys, claims, options))
  const { path } = yield* findNatsServer
  yield* Effect.promise(() => run(path, ["-t", "-c", file]))
  const child = spawn(path, ["-c", file], { stdio: "ignore" })
  yield* Effect.addFinalizer(() => Effect.sync(() => child.kill("SIGKILL")))
  yield* waitUntil(
    `${options.serverName} answers`,
    Effect.promise(() =>
      fetch(`http://${options.monitor}/varz`).then(
        ({ ok }) => ok,
        () => false
      )
    )
  )
})

const makePlatformUser = (keys: InstallationKeys, account: "system" | "platform") =>
  Effect.promise(async (): Promise<TestUser> => {
    const key = NKey.make("user")
    const user = { name: account, publicKey: key.publicKey, expiresAt: inAnHour() }
    return { publicKey: key.publicKey, claims: await signPlatformUser(user, everything, keys[account]), key }
  })

/** Whether there is a stream for acme; a cluster without a leader makes none yet. */
const streamIsMade = (platform: NatsConnection) =>
  Effect.promise(() =>
    jetstreamManager(platform)
      .then((manager) => manager.streams.add({ name: "events-acme", subjects: ["acme.events.>"] }))
      .then(
        () => true,
        () => false
      )
  )

/** A client of a leaf node's, which is connected with TLS. */
const startLeaf = Effect.fnUntraced(function* (to: ServerConfigOptions, ca: string, user: TestUser) {
  const folder = yield* temporaryFolder
  const [credentials, caFile] = [join(folder, "leaf.creds"), join(folder, "ca.pem")]
  writeFileSync(credentials, Redacted.value(credsFile(user.claims, user.key)))
  writeFileSync(caFile, ca)
  const url = `tls://${to.leafListen?.replace("127.0.0.1", "localhost")}`
  const remote = `{ url: "${url}", credentials: "${credentials}", tls { ca_file: "${caFile}" } }`
  const server = yield* startNatsServer({ name: "leaf", config: `leafnodes { remotes: [${remote}] }` })
  return yield* Effect.acquireRelease(
    Effect.promise(() => connect({ servers: server.url })),
    (client) => Effect.promise(() => client.close())
  )
})

describe("a server's configuration", () => {
  it.live("is taken by the real server, with TLS, leaf nodes, a cluster and JetStream", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const { keys, claims } = yield* makeKeys
      const whole = yield* options(folder)
      yield* runServer(keys, claims, whole)
      const seen = yield* Effect.promise(
        async () => (await (await fetch(`http://${whole.monitor}/varz`)).json()) as Record<string, unknown>
      )
      assert.deepInclude(seen, { server_name: "one", tls_required: true, system_account: keys.system.publicKey })
      assert.isDefined((seen?.leaf as { port?: number } | undefined)?.port)
      assert.strictEqual((seen?.cluster as { name?: string } | undefined)?.name, "test")
      assert.deepInclude((seen?.jetstream as { config?: object } | undefined)?.config, {
        max_memory: whole.jetStream.memoryBytes,
        max_storage: whole.jetStream.fileBytes
      })
      assert.include(readdirSync(folder), "claims")
    })
  )

  it.live(
    "makes a cluster with TLS whose servers all know a tenant, and whose leaf nodes and clients get through",
    () =>
      Effect.gen(function* () {
        const { keys, claims } = yield* makeKeys
        const [first, second] = [yield* options(yield* temporaryFolder), yield* options(yield* temporaryFolder)]
        const routes = [first, second].map(({ cluster }) => `nats-route://${cluster?.listen}`)
        const cluster = (listen: string | undefined) => ({ name: "test", listen: listen ?? "", routes })
        const servers = [
          { ...first, cluster: cluster(first.cluster?.listen) },
          { ...second, serverName: "two", tls: first.tls, cluster: cluster(second.cluster?.listen) }
        ]
        for (const server of servers) yield* runServer(keys, claims, server as ServerConfigOptions)
        const ca = readFileSync(first.tls?.caFile ?? "", "utf8")
        const connectTo = (server: ServerConfigOptions, user: TestUser) =>
          // A server answers on its monitoring port before it takes clients.
          connectWith(`nats://${server.listen.replace("127.0.0.1", "localhost")}`, user, { tls: { ca } }).pipe(
            Effect.retry(Schedule.spaced("100 millis"))
          )
        const system = yield* connectTo(first, yield* makePlatformUser(keys, "system"))
        const accounts = yield* Effect.provideContext(
          AccountServers,
          yield* Layer.build(AccountServers.layer(Effect.succeed(system), "_INBOX"))
        )
        yield* waitUntil(
          "both servers are known",
          Effect.map(accounts.names, (names) => names.length === 2),
          "20 seconds"
        )
        const acme = makeTenantKeys()
        const account = { tenant: "acme" as TenantSlug, limits: PLANS.free }
        yield* accounts.push(yield* Effect.promise(() => signTenantAccount(account, acme, keys)))
        // The stream on one server, the client on the other, and a leaf node beside it.
        const platform = yield* connectTo(first, yield* makePlatformUser(keys, "platform"))
        yield* waitUntil("JetStream has a leader", streamIsMade(platform), "20 seconds")
        const collector = yield* connectTo(second, yield* makeTenantUser(acme, "collector-1", "collector"))
        // A server of a cluster hears of what the other one listens to a moment later.
        const answerTo = (client: NatsConnection) =>
          Effect.tryPromise(async () => (await client.request("events.x", "{}", { timeout: 5_000 })).string()).pipe(
            Effect.retry({ schedule: Schedule.spaced("200 millis"), times: 50 })
          )
        assert.include(yield* answerTo(collector), '"stream":"events-acme"')
        const leaf = yield* startLeaf(second, ca, yield* makeTenantUser(acme, "leaf-1", "leaf"))
        yield* waitUntil(
          "the leaf node is connected",
          Effect.map(accounts.connections(acme.publicKey), (count) => count === 2)
        )
        assert.include(yield* answerTo(leaf), '"stream":"events-acme"')
      }),
    60_000
  )

  it.live("holds no secret", () =>
    Effect.gen(function* () {
      const { keys, claims } = yield* makeKeys
      const text = serverConfig(keys, claims, yield* options(yield* temporaryFolder))
      assert.notMatch(text, /\bS[OAU][A-Z2-7]{56}\b/)
    })
  )

  it.live("is refused for a path that would end its own string", () =>
    Effect.gen(function* () {
      const { keys, claims } = yield* makeKeys
      const whole = yield* options(yield* temporaryFolder)
      assert.throws(() => serverConfig(keys, claims, { ...whole, folder: '/tmp/"; debug: true' }), /choose another/)
    })
  )
})
