import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { freePort, waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted } from "effect"
import { SecretStore, type VaultAuth, type VaultOptions } from "../src/index.ts"
import { JWT, ROLE_ID, ROOT, SECRET_ID, startVaultStandIn } from "../testing/vaultStandIn.ts"

const NAME = { owner: "acme", purpose: "keys" }
const VALUE = Redacted.make("hidden-value")
const PATH = "bulkhead/acme/keys"

const rootAuth: VaultAuth = { method: "token", token: Redacted.make(ROOT) }

const storeOf = (options: VaultOptions) =>
  Effect.flatMap(Layer.build(SecretStore.layerVault(options)), (context) => Effect.provideContext(SecretStore, context))

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "bulkhead-vault-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

/** The file of a secret. */
const fileOf = Effect.fnUntraced(function* (text: string) {
  const file = join(yield* folder, "secret")
  writeFileSync(file, `${text}\n`)
  return file
})

const appRole = Effect.map(
  fileOf(SECRET_ID),
  (secretIdFile): VaultAuth => ({ method: "approle", roleId: ROLE_ID, secretIdFile })
)

const open = Effect.fnUntraced(function* (auth: VaultAuth = rootAuth) {
  const { vault, address } = yield* startVaultStandIn
  return { vault, address, secrets: yield* storeOf({ address, auth }) }
})

describe("a sealed Vault", () => {
  it.live("is a reason to try again, and the error says how to unseal", () =>
    Effect.gen(function* () {
      const { vault, secrets } = yield* open()
      vault.isSealed = true
      for (const use of [secrets.read(NAME), secrets.create(NAME, VALUE), secrets.list("acme")]) {
        const error = yield* Effect.flip(use as Effect.Effect<unknown, Effect.Error<typeof use>>)
        assert.isTrue(error.isRetryable)
        assert.include(error.message, "it is sealed")
        assert.include(error.message, "operator unseal")
      }
    })
  )

  it.live("is waited for at the start, and no longer than asked", () =>
    Effect.gen(function* () {
      const { vault, address } = yield* startVaultStandIn
      vault.isSealed = true
      const error = yield* Effect.flip(storeOf({ address, auth: rootAuth, startTimeoutMs: 200 }))
      assert.include(error.message, "it is sealed")
      const starting = yield* Effect.forkChild(storeOf({ address, auth: rootAuth }), { startImmediately: true })
      const triesBefore = vault.seen.length
      yield* waitUntil(
        "another try",
        Effect.sync(() => vault.seen.length > triesBefore)
      )
      vault.isSealed = false
      assert.strictEqual(yield* (yield* Fiber.join(starting)).create(NAME, VALUE), "created")
    })
  )
})

describe("a Vault that fails or is away", () => {
  it.live("is a reason to try again", () =>
    Effect.gen(function* () {
      const { vault, secrets } = yield* open()
      for (const status of [500, 502, 429, 412, 307]) {
        vault.brokenWith = status
        const error = yield* Effect.flip(secrets.replace(NAME, VALUE))
        assert.isTrue(error.isRetryable, String(status))
        assert.include(error.message, `it answered ${status}`)
      }
    })
  )

  it.live("is named with its address when nobody listens there", () =>
    Effect.gen(function* () {
      const address = `http://127.0.0.1:${yield* freePort}`
      const error = yield* Effect.flip(storeOf({ address, auth: rootAuth, startTimeoutMs: 50 }))
      assert.isTrue(error.isRetryable)
      assert.include(error.message, `Vault at ${address} is not available (ECONNREFUSED)`)
    })
  )

  it.live("is given up after the time for one answer", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      const silent = createServer(() => {})
      yield* Effect.acquireRelease(
        Effect.promise(() => new Promise<void>((resolve) => silent.listen(port, "127.0.0.1", resolve))),
        () => Effect.sync(() => silent.close())
      )
      const options = { address: `http://127.0.0.1:${port}`, auth: rootAuth, requestTimeoutMs: 50, startTimeoutMs: 50 }
      const error = yield* Effect.flip(storeOf(options))
      assert.isTrue(error.isRetryable)
      assert.include(error.message, "no answer within 50 ms")
    })
  )
})

describe("a missing right", () => {
  it.live("is named by path and capability, and costs no new login", () =>
    Effect.gen(function* () {
      const { vault, secrets } = yield* open(yield* appRole)
      vault.forbidden.add(`secret/data/${PATH}`)
      vault.forbidden.add(`secret/metadata/${PATH}`)
      vault.forbidden.add("secret/metadata/bulkhead/acme")
      const expected = [
        [secrets.create(NAME, VALUE), `refused "create" on "secret/data/${PATH}"`],
        [secrets.read(NAME), `refused "read" on "secret/data/${PATH}"`],
        [secrets.replace(NAME, VALUE), `refused "create, update" on "secret/data/${PATH}"`],
        [secrets.remove(NAME), `refused "delete" on "secret/metadata/${PATH}"`],
        [secrets.list("acme"), 'refused "list" on "secret/metadata/bulkhead/acme/"']
      ] as const
      for (const [use, text] of expected) {
        const error = yield* Effect.flip(use as Effect.Effect<unknown, Effect.Error<typeof use>>)
        assert.strictEqual(error.reason._tag, "SecretStoreRefused")
        assert.include(error.message, text)
        assert.notInclude(error.message, "hidden")
      }
      assert.strictEqual(vault.logins, 1)
    })
  )
})

describe("a token that Vault no longer knows", () => {
  it.live("is followed by one new login, however many calls meet it", () =>
    Effect.gen(function* () {
      const { vault, secrets } = yield* open(yield* appRole)
      yield* secrets.create(NAME, VALUE)
      vault.revokeTokens()
      const reads = yield* Effect.forEach(Array.from({ length: 8 }), () => secrets.read(NAME), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(new Set(reads.map((value) => value && Redacted.value(value))), new Set(["hidden-value"]))
      assert.strictEqual(vault.logins, 2)
    })
  )

  it.live("is read anew from its file", () =>
    Effect.gen(function* () {
      const file = yield* fileOf(ROOT)
      const { vault, secrets } = yield* open({ method: "tokenFile", file })
      vault.revokeTokens()
      const error = yield* Effect.flip(secrets.read(NAME))
      assert.include(error.message, `the token in the file "${file}" is expired or revoked`)
      vault.grantToken("hidden-next")
      writeFileSync(file, "hidden-next")
      assert.isUndefined(yield* secrets.read(NAME))
    })
  )

  it.live("says which variable holds it", () =>
    Effect.gen(function* () {
      const { vault, secrets } = yield* open()
      vault.revokeTokens()
      const error = yield* Effect.flip(secrets.read(NAME))
      assert.isFalse(error.isRetryable)
      assert.include(error.message, "the token in VAULT_TOKEN is expired or revoked")
    })
  )
})

describe("a lease", () => {
  it.live("is renewed while it lasts, without a new login", () =>
    Effect.gen(function* () {
      const { vault, address } = yield* startVaultStandIn
      vault.leaseSeconds = 1
      yield* storeOf({ address, auth: yield* appRole })
      yield* waitUntil(
        "two renewals",
        Effect.sync(() => vault.renewals >= 2)
      )
      assert.strictEqual(vault.logins, 1)
    })
  )

  it.live("of a token from the environment is renewed too", () =>
    Effect.gen(function* () {
      const { vault, address } = yield* startVaultStandIn
      vault.leaseSeconds = 1
      yield* storeOf({ address, auth: rootAuth })
      yield* waitUntil(
        "a renewal",
        Effect.sync(() => vault.renewals >= 1)
      )
    })
  )
})

describe("a login", () => {
  it.live("is made with the pod's token", () =>
    Effect.gen(function* () {
      const { secrets } = yield* open({ method: "kubernetes", role: "bulkhead", jwtFile: yield* fileOf(JWT) })
      assert.strictEqual(yield* secrets.create(NAME, VALUE), "created")
    })
  )

  it.live("that is refused says where, and shows no secret", () =>
    Effect.gen(function* () {
      const { address } = yield* startVaultStandIn
      const file = yield* fileOf("hidden-wrong")
      const logins: ReadonlyArray<readonly [VaultAuth, string]> = [
        [{ method: "approle", roleId: ROLE_ID, secretIdFile: file }, '"login" on "auth/approle/login"'],
        [{ method: "kubernetes", role: "bulkhead", jwtFile: file, mount: "k8s" }, '"login" on "auth/k8s/login"'],
        [{ method: "tokenFile", file }, `the token in the file "${file}"`]
      ]
      for (const [auth, text] of logins) {
        const error = yield* Effect.flip(storeOf({ address, auth }))
        assert.strictEqual(error.reason._tag, "SecretStoreRefused")
        assert.include(error.message, text)
        assert.notInclude(JSON.stringify(error), "hidden")
      }
    })
  )
})

describe("a hand in the engine", () => {
  it.live("that deleted the newest version has not made the secret absent", () =>
    Effect.gen(function* () {
      const { vault, secrets } = yield* open()
      yield* secrets.create(NAME, VALUE)
      vault.softDelete(PATH)
      const error = yield* Effect.flip(secrets.read(NAME))
      assert.strictEqual(error.reason._tag, "SecretUnreadable")
      assert.include(error.message, "vault kv undelete")
      assert.strictEqual(yield* secrets.create(NAME, VALUE), "exists")
      yield* secrets.remove(NAME)
      assert.strictEqual(yield* secrets.create(NAME, VALUE), "created")
    })
  )

  it.live("that wrote another form is noticed", () =>
    Effect.gen(function* () {
      const { vault, secrets } = yield* open()
      vault.write(PATH, { seed: "hidden" })
      const error = yield* Effect.flip(secrets.read(NAME))
      assert.include(error.message, 'Secret "acme/keys" has no text under "value"')
      assert.notInclude(error.message, "hidden")
    })
  )
})

describe("an engine that is none of version 2", () => {
  it.live("stops the start, because it would overwrite", () =>
    Effect.gen(function* () {
      const { vault, address } = yield* startVaultStandIn
      vault.kvVersion = "1"
      const error = yield* Effect.flip(storeOf({ address, auth: rootAuth }))
      assert.strictEqual(error.reason._tag, "SecretStoreMisconfigured")
      assert.include(error.message, "is no KV engine of version 2")
    })
  )

  it.live("is no absent secret when it goes away later", () =>
    Effect.gen(function* () {
      const { vault, secrets } = yield* open()
      vault.brokenWith = 404
      assert.strictEqual((yield* Effect.flip(secrets.read(NAME))).reason._tag, "SecretStoreMisconfigured")
    })
  )
})

describe("settings that cannot work", () => {
  it.live("are named", () =>
    Effect.gen(function* () {
      const address = "http://127.0.0.1:1"
      const cases: ReadonlyArray<readonly [VaultOptions, string]> = [
        [{ address: "vault:8200", auth: rootAuth }, "VAULT_ADDR"],
        [{ address: "https://user:hidden@vault", auth: rootAuth }, "VAULT_ADDR"],
        [{ address, auth: rootAuth, mount: "/secret/" }, '"/secret/" in VAULT_MOUNT'],
        [{ address, auth: rootAuth, prefix: "a/../b" }, '"a/../b" in VAULT_PREFIX']
      ]
      for (const [options, text] of cases) {
        const error = yield* Effect.flip(storeOf(options))
        assert.include(error.message, text)
        assert.notInclude(error.message, "hidden")
      }
    })
  )
})
