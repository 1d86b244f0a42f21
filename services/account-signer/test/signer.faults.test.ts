import { execFile, spawn } from "node:child_process"
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { NKey, PLANS } from "@bulkhead/accounts"
import { connectWith } from "@bulkhead/accounts/testing"
import type { TenantSlug } from "@bulkhead/channels"
import { freePort, startNatsServer, waitUntil } from "@bulkhead/devstack"
import { ROOT, startVaultStandIn } from "@bulkhead/secrets/testing"
import { assert, describe, it } from "@effect/vitest"
import { decode } from "@nats-io/jwt"
import { DateTime, Effect, Exit, Redacted, Schedule } from "effect"
import { encodeInstallation } from "../src/keyTexts.ts"
import { connectClient, query, type Servers, startServers, startSigner } from "../testing/signerHarness.ts"

const run = promisify(execFile)
const source = (path: string) => fileURLToPath(new URL(path, import.meta.url))

const acme = "acme" as TenantSlug
const asked = { actor: "test", tenant: acme }
const wanted = { ...asked, limits: PLANS.free, isSuspended: false }

type Signer = Effect.Success<ReturnType<typeof connectClient>>

const newUser = Effect.fnUntraced(function* (signer: Signer, tenant = acme) {
  const key = NKey.make("user")
  const expiresAt = DateTime.add(yield* DateTime.now, { hours: 1 })
  const user = { role: "collector" as const, name: "c", purpose: "a test", publicKey: key.publicKey, expiresAt }
  const { claims } = yield* signer.ask("sign-user", { ...asked, tenant, ...user })
  return { claims, key }
})

const getsIn = (servers: Servers, user: Effect.Success<ReturnType<typeof newUser>>) =>
  Effect.map(Effect.exit(Effect.scoped(connectWith(servers.nats.url, user))), Exit.isSuccess)

/** Runs a signer process until it has killed itself. */
const runKilled = Effect.fnUntraced(function* (servers: Servers, span: string, ask: Effect.Effect<unknown, unknown>) {
  const opsPort = yield* freePort
  const child = spawn(process.execPath, ["--conditions=@bulkhead/source", source("fixtures/signerKilledAt.ts")], {
    // Nothing but what is asked for shall end the span.
    env: {
      PATH: process.env.PATH,
      ...servers.environment,
      SIGNER_RESUME_MS: "600000",
      OPS_PORT: String(opsPort),
      KILL_SPAN: span
    },
    stdio: "ignore"
  })
  yield* Effect.addFinalizer(() => Effect.sync(() => child.kill("SIGKILL")))
  yield* Effect.forkScoped(ask.pipe(Effect.retry(Schedule.spaced("50 millis")), Effect.exit))
  yield* waitUntil(
    `killed at ${span}`,
    Effect.sync(() => child.signalCode === "SIGKILL")
  )
})

describe("the signer killed", () => {
  for (const span of ["SecretStore.create", "AccountServers.push", "Accounts.ensure-account"]) {
    it.live(`while it makes an account (${span}): asked again, there is one account with one set of keys`, () =>
      Effect.gen(function* () {
        const servers = yield* startServers()
        const signer = yield* connectClient(servers)
        yield* Effect.scoped(runKilled(servers, span, signer.ask("ensure-account", wanted)))
        const made = yield* servers.keyring.tenant(acme)
        assert.isDefined(made)
        yield* startSigner(servers)
        const { account } = yield* signer.ask("ensure-account", wanted).pipe(Effect.retry({ times: 50 }))
        assert.strictEqual(account, made?.publicKey)
        assert.isTrue(yield* getsIn(servers, yield* newUser(signer)))
      })
    )
  }

  it.live("while it takes an account away: the next one finishes by itself, and nobody gets in", () =>
    Effect.gen(function* () {
      const servers = yield* startServers()
      const signer = yield* connectClient(servers)
      const user = yield* Effect.scoped(
        Effect.gen(function* () {
          yield* startSigner(servers)
          yield* signer.ask("ensure-account", wanted).pipe(Effect.retry({ times: 50 }))
          return yield* newUser(signer)
        })
      )
      yield* Effect.scoped(runKilled(servers, "AccountServers.push", signer.ask("remove-account", asked)))
      yield* startSigner(servers)
      assert.isDefined(yield* signer.ask("remove-account", asked).pipe(Effect.retry({ times: 50 })))
      assert.isFalse(yield* getsIn(servers, user))
      yield* signer.ask("forget-account", asked)
    })
  )
})

describe("bootstrap", () => {
  const bootstrap = (servers: Servers, change: Record<string, string> = {}) =>
    Effect.promise(() =>
      run(process.execPath, ["--conditions=@bulkhead/source", source("../src/bootstrap.ts")], {
        env: { PATH: process.env.PATH, ...servers.environment, BOOTSTRAP_FOLDER: servers.folder, ...change }
      })
    )
  const operatorIn = (folder: string) =>
    decode(/operator: (\S+)/.exec(readFileSync(join(folder, "operator.conf"), "utf8"))?.[1] ?? "").sub

  it.live("run twice at once, again, and over a half-written folder, it never makes a second operator", () =>
    Effect.gen(function* () {
      const servers = yield* startServers()
      const operator = operatorIn(servers.folder)
      const folders = [servers.folder, join(servers.folder, "other")]
      yield* Effect.all(
        folders.map((folder) => bootstrap(servers, { BOOTSTRAP_FOLDER: folder, BOOTSTRAP_NAME: "another name" })),
        { concurrency: 2 }
      )
      const kept = readFileSync(join(servers.folder, "core.creds"), "utf8")
      rmSync(join(servers.folder, "operator.conf"))
      writeFileSync(join(servers.folder, "signer.creds"), "-----BEGIN NATS USER JWT-----\nhalf a fi")
      const { stdout } = yield* bootstrap(servers)
      assert.include(stdout, "new credentials: signer")
      assert.strictEqual(readFileSync(join(servers.folder, "core.creds"), "utf8"), kept)
      for (const folder of folders) assert.strictEqual(operatorIn(folder), operator)
      assert.deepStrictEqual(
        readdirSync(servers.folder).filter((name) => name.endsWith(".new")),
        []
      )
    })
  )

  it.live("needs no root key once there is an installation, which signs on without it", () =>
    Effect.gen(function* () {
      const servers = yield* startServers()
      const operator = operatorIn(servers.folder)
      const rootKey = (verb: string) =>
        Effect.promise(() =>
          run(process.execPath, ["--conditions=@bulkhead/source", source("../src/rootKey.ts"), verb], {
            env: { PATH: process.env.PATH, ...servers.environment }
          }).then(
            ({ stdout }) => stdout.trim(),
            ({ stderr }) => `failed: ${stderr.trim()}`
          )
        )
      assert.match(yield* rootKey("export"), /^SO[A-Z2-7]{56}$/)
      assert.include(yield* rootKey("remove"), "out of this store")
      assert.include(yield* rootKey("export"), "not in this store any more")
      yield* bootstrap(servers)
      assert.strictEqual(operatorIn(servers.folder), operator)
      yield* startSigner(servers)
      const signer = yield* connectClient(servers)
      yield* signer.ask("ensure-account", wanted).pipe(Effect.retry({ times: 50 }))
      assert.isTrue(yield* getsIn(servers, yield* newUser(signer)))
    })
  )
})

type Registry = Effect.Success<ReturnType<typeof startSigner>>["registry"]

const isNow = (metric: string) => (registry: Registry, value: number) =>
  Effect.promise(async () =>
    new RegExp(`^${metric}.* ${value}$`, "m").test(await registry.getSingleMetricAsString(metric))
  )
const pendingAre = isNow("bulkhead_signer_accounts_pending")
const knows = isNow("bulkhead_signer_servers")

/** Servers as `startServers` makes them, and a second one beside the first, whose resolver may be small. */
const startCluster = Effect.fnUntraced(function* (secondsLimit = 100_000) {
  const [routes, port] = [yield* freePort, yield* freePort]
  const cluster = (listen: number, route: number) =>
    `cluster { name: test, listen: "127.0.0.1:${listen}", routes: ["nats-route://127.0.0.1:${route}"] }`
  const servers = yield* startServers(cluster(routes, port))
  const operator = readFileSync(join(servers.folder, "operator.conf"), "utf8")
    .replace(/dir: "[^"]*"/, `dir: "${join(servers.folder, "second")}"`)
    .replace(/limit: \d+/, `limit: ${secondsLimit}`)
  const second = yield* startNatsServer({ name: "second", config: `${operator}\n${cluster(port, routes)}` })
  return { servers, second }
})

describe("servers that do not take claims", () => {
  it.live(
    "one of a cluster that does not answer: it is named, the account is pending, and is finished when it is back",
    () =>
      Effect.gen(function* () {
        const { servers, second } = yield* startCluster()
        const { registry } = yield* startSigner(servers)
        const signer = yield* connectClient(servers)
        yield* signer.ask("ensure-account", wanted).pipe(Effect.retry({ times: 50 }))
        yield* waitUntil("the signer knows both servers", knows(registry, 2))
        yield* second.pause
        const globex = { ...wanted, tenant: "globex" as TenantSlug }
        const error = yield* Effect.flip(signer.ask("ensure-account", globex))
        assert.isTrue(error.isRetryable)
        assert.include(error.message, "no answer from second within 5000 ms")
        yield* second.resume
        yield* waitUntil("globex is pending no more", pendingAre(registry, 0))
        const user = yield* newUser(signer, globex.tenant)
        yield* waitUntil(
          "globex gets in on the second server",
          Effect.map(Effect.exit(Effect.scoped(connectWith(second.url, user))), Exit.isSuccess)
        )
      }),
    60_000
  )

  it.live("a full resolver: the answer says so and what to do, and what waits is done when there is room", () =>
    Effect.gen(function* () {
      // The system's account, the platform's, and one more.
      const servers = yield* startServers("", 3)
      const { registry } = yield* startSigner(servers)
      const signer = yield* connectClient(servers)
      const zeta = "zeta" as TenantSlug
      yield* signer.ask("ensure-account", { ...wanted, tenant: zeta }).pipe(Effect.retry({ times: 50 }))
      const late = Array.from({ length: 9 }, (_, index) => `late-${index}` as TenantSlug)
      for (const tenant of late) {
        const error = yield* Effect.flip(signer.ask("ensure-account", { ...wanted, tenant }))
        assert.match(error.message, /server bulkhead-dev refuses: .*full\. .*raise `limit`/)
        assert.isTrue(error.isRetryable)
      }
      yield* waitUntil("they are pending", pendingAre(registry, late.length))
      // Asked for while nobody was there to do it, and behind all those that fail.
      yield* query(
        servers,
        `update bulkhead_signer.accounts set is_removed = true, version = version + 1 where tenant = '${zeta}'`
      )
      yield* waitUntil("one of them has the place", pendingAre(registry, late.length - 1))
      const users = yield* Effect.forEach(late, (tenant) => newUser(signer, tenant))
      const inside = yield* Effect.filter(users, (user) => getsIn(servers, user), { concurrency: users.length })
      assert.lengthOf(inside, 1)
    })
  )

  it.live(
    "one of a cluster refuses them: it is named, the account is pending, and is finished when that server takes it",
    () =>
      Effect.gen(function* () {
        const { servers, second } = yield* startCluster(3)
        const { registry } = yield* startSigner(servers)
        const signer = yield* connectClient(servers)
        yield* waitUntil("the signer knows both servers", knows(registry, 2))
        yield* signer.ask("ensure-account", wanted).pipe(Effect.retry({ times: 50 }))
        const globex = { ...wanted, tenant: "globex" as TenantSlug }
        const error = yield* Effect.flip(signer.ask("ensure-account", globex))
        assert.match(error.message, /server second refuses: .*full/)
        yield* waitUntil("globex is pending", pendingAre(registry, 1))
        yield* signer.ask("remove-account", asked)
        yield* waitUntil("globex is pending no more", pendingAre(registry, 0))
        const user = yield* newUser(signer, globex.tenant)
        yield* waitUntil(
          "globex gets in on the second server",
          Effect.map(Effect.exit(Effect.scoped(connectWith(second.url, user))), Exit.isSuccess)
        )
      }),
    60_000
  )
})

describe("a Vault that is sealed", () => {
  it.live("is named in the answer, nothing is half made, and what was asked is done once it is unsealed", () =>
    Effect.gen(function* () {
      const servers = yield* startServers()
      const { vault, address } = yield* startVaultStandIn
      // The installation as it is, in Vault.
      const value = Redacted.value(encodeInstallation(servers.keys))
      vault.write("bulkhead/installation/signing-keys", { value })
      yield* startSigner(servers, { SECRETS_DRIVER: "vault", VAULT_ADDR: address, VAULT_TOKEN: ROOT })
      const signer = yield* connectClient(servers)
      yield* signer.ask("ensure-account", wanted).pipe(Effect.retry({ times: 50 }))
      vault.isSealed = true
      const globex = { ...wanted, tenant: "globex" as TenantSlug }
      const error = yield* Effect.flip(signer.ask("ensure-account", globex))
      assert.isTrue(error.isRetryable)
      assert.match(error.message, /sealed/i)
      assert.deepStrictEqual(
        yield* query(servers, "select tenant from bulkhead_signer.accounts where tenant = 'globex'"),
        []
      )
      // A change of what is there is written down, and waits.
      yield* Effect.flip(signer.ask("ensure-account", { ...wanted, isSuspended: true }))
      vault.isSealed = false
      yield* signer.ask("ensure-account", globex)
      assert.isTrue(yield* getsIn(servers, yield* newUser(signer, globex.tenant)))
    })
  )
})
