import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { SecretStore, type VaultOptions } from "../src/index.ts"
import { field } from "../src/internal/field.ts"
import { ROOT, startVaultStandIn } from "../testing/vaultStandIn.ts"
import { conformance } from "./conformance.ts"

const standIn = Layer.unwrap(
  Effect.map(startVaultStandIn, ({ address }) =>
    SecretStore.layerVault({ address, auth: { method: "token", token: Redacted.make(ROOT) } })
  )
)

describe("conformance", () => {
  conformance("vault, stand-in", standIn)
})

/** A real server, such as `bao server -dev`, and its root token; the test makes mounts and policies of its own there. */
const { VAULT_TEST_ADDR: address = "", VAULT_TEST_TOKEN: token = "" } = process.env
const own = `test-${Date.now()}`
const NAME = { owner: "acme", purpose: "keys" }

const asRoot = (method: string, path: string, body?: unknown) =>
  Effect.promise(async (): Promise<unknown> => {
    const init = { method, headers: { "x-vault-token": token }, body: body === undefined ? null : JSON.stringify(body) }
    const answer = await fetch(`${address}/v1/${path}`, init)
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return text === "" ? undefined : JSON.parse(text)
  })

const storeOf = (options: Omit<VaultOptions, "address">) =>
  Effect.flatMap(Layer.build(SecretStore.layerVault({ address, ...options })), (context) =>
    Effect.provideContext(SecretStore, context)
  )

/** As the README has it. */
const POLICY = `
  path "secret/data/${own}/*" { capabilities = ["create", "read", "update"] }
  path "secret/metadata/${own}/*" { capabilities = ["list", "delete"] }
`

/** Logs in by an AppRole of that policy, for leases of two seconds. */
const appRole = Effect.fnUntraced(function* (name: string, policy: string) {
  const mount = `${own}-${name}`
  yield* asRoot("PUT", `sys/policies/acl/${mount}`, { policy })
  yield* asRoot("POST", `sys/auth/${mount}`, { type: "approle" })
  yield* asRoot("POST", `auth/${mount}/role/r`, { token_policies: mount, token_ttl: "2s", token_max_ttl: "1h" })
  const roleId = String(field(yield* asRoot("GET", `auth/${mount}/role/r/role-id`), "data", "role_id"))
  const secretId = field(yield* asRoot("POST", `auth/${mount}/role/r/secret-id`), "data", "secret_id")
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "bulkhead-vault-"))),
    (made) => Effect.sync(() => rmSync(made, { recursive: true }))
  )
  const secretIdFile = join(folder, "secret-id")
  writeFileSync(secretIdFile, String(secretId))
  const auth = { method: "approle", roleId, secretIdFile, mount } as const
  return { mount, secrets: yield* storeOf({ auth, prefix: own }) }
})

describe.runIf(address !== "")("a real server", () => {
  const auth = { method: "token", token: Redacted.make(token) } as const
  conformance("vault, real", SecretStore.layerVault({ address, auth, prefix: `${own}-suite` }))

  it.live("renews a lease again and again, and logs in once more when its tokens were revoked", () =>
    Effect.gen(function* () {
      const { mount, secrets } = yield* appRole("lease", POLICY)
      yield* secrets.create(NAME, Redacted.make("one"))
      const tokens = Effect.map(asRoot("GET", "auth/token/accessors?list=true"), (answer) => {
        const keys = field(answer, "data", "keys")
        return Array.isArray(keys) ? keys.map(String) : []
      })
      const ours = Effect.gen(function* () {
        for (const accessor of yield* tokens) {
          const found = yield* asRoot("POST", "auth/token/lookup-accessor", { accessor }).pipe(Effect.exit)
          const data = found._tag === "Success" ? field(found.value, "data") : undefined
          if (field(data, "path") === `auth/${mount}/login`) return data
        }
        return undefined
      })
      const issued = Number(field(yield* ours, "creation_time"))
      yield* waitUntil(
        "the first token in its second lease",
        Effect.map(ours, (data) => Number(field(data, "creation_time")) === issued && Date.now() / 1000 > issued + 4)
      )
      yield* asRoot("PUT", `sys/leases/revoke-prefix/auth/${mount}/login`)
      const value = yield* secrets.read(NAME)
      assert.strictEqual(value && Redacted.value(value), "one")
    })
  )

  it.live("lets everything through with the policy of the README", () =>
    Effect.gen(function* () {
      const { secrets } = yield* appRole("policy", POLICY)
      const name = { owner: "with.policy", purpose: "keys" }
      assert.strictEqual(yield* secrets.create(name, Redacted.make("one")), "created")
      yield* secrets.replace(name, Redacted.make("two"))
      const value = yield* secrets.read(name)
      assert.strictEqual(value && Redacted.value(value), "two")
      assert.deepStrictEqual(yield* secrets.list("with.policy"), ["keys"])
      yield* secrets.remove(name)
      assert.isUndefined(yield* secrets.read(name))
    })
  )

  it.live("refuses what the policy does not give, by path and capability", () =>
    Effect.gen(function* () {
      const { secrets } = yield* appRole("refused", `path "secret/data/${own}/*" { capabilities = ["read"] }`)
      const path = `secret/data/${own}/acme/refused`
      const error = yield* Effect.flip(secrets.create({ owner: "acme", purpose: "refused" }, Redacted.make("one")))
      assert.include(error.message, `refused "create" on "${path}"`)
      assert.include((yield* Effect.flip(secrets.list("acme"))).message, 'refused "list"')
    })
  )

  it.live("tells a deleted version from an absent secret", () =>
    Effect.gen(function* () {
      const secrets = yield* storeOf({ auth, prefix: own })
      const name = { owner: "acme", purpose: "deleted" }
      yield* secrets.create(name, Redacted.make("one"))
      yield* asRoot("DELETE", `secret/data/${own}/acme/deleted`)
      assert.strictEqual((yield* Effect.flip(secrets.read(name))).reason._tag, "SecretUnreadable")
      yield* secrets.remove(name)
      assert.isUndefined(yield* secrets.read(name))
    })
  )

  it.live("stops the start with an engine of version 1, and with none", () =>
    Effect.gen(function* () {
      yield* asRoot("POST", `sys/mounts/${own}`, { type: "kv", options: { version: "1" } })
      const one = yield* Effect.flip(storeOf({ auth, mount: own }))
      assert.include(one.message, "is no KV engine of version 2")
      const none = yield* Effect.flip(storeOf({ auth, mount: "nowhere" }))
      assert.strictEqual(none.reason._tag, "SecretStoreRefused")
    })
  )
})
