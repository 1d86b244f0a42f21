import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Database } from "@bulkhead/storage"
import { assert, layer } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import { SecretStore } from "../src/index.ts"
import { ROOT, startVaultStandIn } from "../testing/vaultStandIn.ts"
import { database, newKey } from "./fixtures.ts"

const NAME = { owner: "acme", purpose: "keys" }

const storeFrom = (variables: Record<string, string>) =>
  Effect.flatMap(
    Layer.build(
      SecretStore.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(variables))), Layer.fresh)
    ),
    (context) => Effect.provideContext(SecretStore, context)
  )

const file = Effect.fnUntraced(function* (text: string) {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "bulkhead-secrets-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true }))
  )
  const path = join(folder, "secret")
  writeFileSync(path, text)
  return path
})

layer(database, { excludeTestServices: true })("SecretStore.layer", (it) => {
  it.effect("is PostgreSQL unless told otherwise, with keys from a variable or a file", () =>
    Effect.gen(function* () {
      const [first, second] = [newKey("k1"), newKey("k2")]
      yield* (yield* storeFrom({ SECRETS_KEYS: `${first}, ${second}` })).create(NAME, Redacted.make("one"))
      const SECRETS_KEYS_FILE = yield* file(`${second}\n\n${first}\n`)
      const value = yield* (yield* storeFrom({ SECRETS_DRIVER: "postgres", SECRETS_KEYS_FILE })).read(NAME)
      assert.strictEqual(value && Redacted.value(value), "one")
      const { sql } = yield* Database
      assert.lengthOf(yield* sql`select from bulkhead_signer.sealed_secrets`, 1)
    })
  )

  it.effect("is Vault when told so", () =>
    Effect.gen(function* () {
      const { vault, address } = yield* startVaultStandIn
      const variables = { SECRETS_DRIVER: "vault", VAULT_ADDR: address, VAULT_NAMESPACE: "team", VAULT_PREFIX: "a/b" }
      const secrets = yield* storeFrom({ ...variables, VAULT_TOKEN: ROOT })
      assert.strictEqual(yield* secrets.create(NAME, Redacted.make("one")), "created")
      const last = vault.seen.at(-1)
      assert.strictEqual(last?.url.pathname, "/v1/secret/data/a/b/acme/keys")
      assert.strictEqual(last?.headers["x-vault-namespace"], "team")
    })
  )

  it.effect("names what is missing, doubled or wrong", () =>
    Effect.gen(function* () {
      const vault = { SECRETS_DRIVER: "vault", VAULT_ADDR: "http://127.0.0.1:1" }
      const key = newKey("k1")
      const cases = [
        [{}, "Neither SECRETS_KEYS nor SECRETS_KEYS_FILE is set"],
        [{ SECRETS_KEYS: key, SECRETS_KEYS_FILE: "/x" }, "Both SECRETS_KEYS and SECRETS_KEYS_FILE is set"],
        [{ SECRETS_KEYS_FILE: "/nowhere" }, 'The file "/nowhere" of SECRETS_KEYS_FILE cannot be read (ENOENT)'],
        [{ SECRETS_DRIVER: "paper" }, "SECRETS_DRIVER"],
        [{ SECRETS_DRIVER: "vault" }, "VAULT_ADDR"],
        [vault, "names no login for Vault"],
        [{ ...vault, VAULT_ROLE_ID: "r" }, "names no login for Vault"],
        [{ ...vault, VAULT_TOKEN: "hidden", VAULT_K8S_ROLE: "r" }, "names more than one login"],
        [{ SECRETS_DRIVER: "kubernetes" }, "KUBERNETES_SERVICE_HOST"],
        [{ SECRETS_DRIVER: "kubernetes", KUBERNETES_SERVICE_HOST: "::1", K8S_NAMESPACE: "No" }, '"No" in K8S_NAMESPACE']
      ] as const
      for (const [variables, text] of cases) {
        const error = yield* Effect.flip(storeFrom(variables))
        assert.include(error.message, text)
        assert.notInclude(error.message, "hidden")
        assert.notInclude(error.message, key.slice(3))
      }
    })
  )
})
