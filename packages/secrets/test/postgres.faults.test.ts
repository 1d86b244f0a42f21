import { PostgresServer, waitUntil } from "@bulkhead/devstack"
import { Database } from "@bulkhead/storage"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { SecretStore } from "../src/index.ts"
import { database, keysOf, newKey } from "./fixtures.ts"

const NAME = { owner: "acme", purpose: "keys" }
const VALUE = Redacted.make("hidden-value")

const storeWith = (keys: Redacted.Redacted<string>, schema?: string) =>
  Effect.flatMap(Layer.build(SecretStore.layerPostgres({ keys, schema })), (context) =>
    Effect.provideContext(SecretStore, context)
  )

layer(database, { excludeTestServices: true })("a row", (it) => {
  it.effect("copied to another name is not read", () =>
    Effect.gen(function* () {
      const secrets = yield* storeWith(keysOf(newKey("k1")), "copied")
      const { sql } = yield* Database
      yield* secrets.create(NAME, VALUE)
      for (const [owner, purpose] of [
        ["globex", "keys"],
        ["acme", "other"]
      ]) {
        yield* sql`insert into copied.sealed_secrets (owner, purpose, key_id, nonce, sealed)
          select ${owner}, ${purpose}, key_id, nonce, sealed from copied.sealed_secrets where owner = 'acme' limit 1`
        const error = yield* Effect.flip(secrets.read({ owner: owner ?? "", purpose: purpose ?? "" }))
        assert.strictEqual(error.reason._tag, "SecretUnreadable")
        assert.include(error.message, `"${owner}/${purpose}" does not open with key "k1"`)
        assert.include(error.message, "copied from another name")
      }
      assert.isDefined(yield* secrets.read(NAME))
    })
  )

  it.effect("that is damaged is not read, whichever byte it is", () =>
    Effect.gen(function* () {
      const secrets = yield* storeWith(keysOf(newKey("k1")), "damaged")
      const { sql } = yield* Database
      const damages = [
        "sealed = set_byte(sealed, 0, get_byte(sealed, 0) # 1)",
        "sealed = set_byte(sealed, length(sealed) - 1, get_byte(sealed, length(sealed) - 1) # 128)",
        "nonce = set_byte(nonce, 0, get_byte(nonce, 0) # 1)",
        "sealed = substring(sealed from 1 for 5)",
        "sealed = ''",
        "nonce = ''"
      ]
      for (const damage of damages) {
        yield* secrets.replace(NAME, VALUE)
        yield* sql.unsafe(`update damaged.sealed_secrets set ${damage}`)
        const error = yield* Effect.flip(secrets.read(NAME))
        assert.strictEqual(error.reason._tag, "SecretUnreadable", damage)
        assert.isFalse(error.isRetryable)
        assert.notInclude(error.message, "hidden")
      }
    })
  )

  it.effect("holds nothing of the value, and another nonce each time", () =>
    Effect.gen(function* () {
      const secrets = yield* storeWith(keysOf(newKey("k1")), "nonces")
      const { sql } = yield* Database
      const nonces = new Set<string>()
      for (let time = 0; time < 20; time++) {
        yield* secrets.replace(NAME, VALUE)
        const [row] = yield* sql<{ nonce: Uint8Array; sealed: Uint8Array }>`
          select nonce, sealed from nonces.sealed_secrets`
        nonces.add(Buffer.from(row?.nonce ?? []).toString("hex"))
        assert.notInclude(Buffer.from(row?.sealed ?? []).toString("latin1"), "hidden")
      }
      assert.strictEqual(nonces.size, 20)
    })
  )
})

layer(database, { excludeTestServices: true })("a key", (it) => {
  it.effect("that is missing is named, with the secret and what to do", () =>
    Effect.gen(function* () {
      const old = newKey("old")
      yield* (yield* storeWith(keysOf(old), "missing")).create(NAME, VALUE)
      const secrets = yield* storeWith(keysOf(newKey("new"), newKey("newer")), "missing")
      const error = yield* Effect.flip(secrets.read(NAME))
      assert.strictEqual(error.reason._tag, "SecretUnreadable")
      assert.include(error.message, '"acme/keys" was sealed with key "old", which is not among the keys new, newer')
      assert.include(error.message, "put that key back into SECRETS_KEYS")
      assert.strictEqual(yield* secrets.create(NAME, VALUE), "exists")
    })
  )

  it.effect("that is another under the same id is told apart from an absent secret", () =>
    Effect.gen(function* () {
      yield* (yield* storeWith(keysOf(newKey("k1")), "other")).create(NAME, VALUE)
      const error = yield* Effect.flip((yield* storeWith(keysOf(newKey("k1")), "other")).read(NAME))
      assert.include(error.message, '"k1" in SECRETS_KEYS is another key than it was')
    })
  )

  it.effect("that only opens reads what it sealed, and seals nothing more", () =>
    Effect.gen(function* () {
      const [old, next] = [newKey("old"), newKey("next")]
      yield* (yield* storeWith(keysOf(old), "opens")).create(NAME, VALUE)
      const secrets = yield* storeWith(keysOf(next, old), "opens")
      const value = yield* secrets.read(NAME)
      assert.strictEqual(value && Redacted.value(value), "hidden-value")
      yield* secrets.replace(NAME, VALUE)
      assert.isDefined(yield* (yield* storeWith(keysOf(next), "opens")).read(NAME))
    })
  )

  it.effect("that is none is refused at the start, and not shown", () =>
    Effect.gen(function* () {
      const good = newKey("k1")
      const cases = [
        ["", "has no key"],
        ["hiddenhiddenhidden", "entry 1, is no keyid:base64"],
        [`${good}\nk2:hidden!`, 'entry 2 ("k2"), is no base64'],
        ["k1:aGlkZGVu", 'entry 1 ("k1"), has 6 bytes, not 32'],
        [`${good},${newKey("k1")}`, 'entry 2, has the id "k1" of another'],
        [`bad id:${good}`, "entry 1, is no keyid:base64"]
      ] as const
      for (const [text, problem] of cases) {
        const error = yield* Effect.flip(storeWith(Redacted.make(text)))
        assert.strictEqual(error.reason._tag, "SecretStoreMisconfigured")
        assert.include(error.message, problem)
        assert.notInclude(error.message, "hidden")
        assert.notInclude(error.message, good.slice(3))
      }
    })
  )
})

layer(database, { excludeTestServices: true })("a login role", (it) => {
  const storeAs = (role: string, schema: string) =>
    Effect.gen(function* () {
      const server = yield* PostgresServer
      const url = Redacted.make(`postgres://${role}:pass@127.0.0.1:${server.port}/secrets`)
      const store = SecretStore.layerPostgres({ keys: keysOf(newKey("k1")), schema })
      const context = yield* Layer.build(store.pipe(Layer.provide(Database.layerWith({ url }))))
      return yield* Effect.provideContext(SecretStore, context)
    })

  it.effect("without rights is refused with what it needs", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      yield* sql`create role stranger login password 'pass'`
      const cannotMake = yield* Effect.flip(storeAs("stranger", "not_there"))
      assert.strictEqual(cannotMake.reason._tag, "SecretStoreRefused")
      yield* storeWith(keysOf(newKey("k1")), "closed")
      yield* sql`grant usage on schema closed to stranger`
      const secrets = yield* storeAs("stranger", "closed")
      const error = yield* Effect.flip(secrets.read(NAME))
      assert.strictEqual(error.reason._tag, "SecretStoreRefused")
      assert.include(error.message, 'refused "select" on "closed.sealed_secrets"')
      assert.include(error.message, "permission denied")
    })
  )

  it.effect("with rights on the table alone is enough once the table is there", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      yield* storeWith(keysOf(newKey("k1")), "granted")
      yield* sql`create role guest login password 'pass'`
      yield* sql`grant usage on schema granted to guest`
      yield* sql`grant select, insert, update, delete on granted.sealed_secrets to guest`
      assert.strictEqual(yield* (yield* storeAs("guest", "granted")).create(NAME, VALUE), "created")
    })
  )
})

layer(database, { excludeTestServices: true })("the start", (it) => {
  it.effect("makes schema and table once, however many start at a time", () =>
    Effect.gen(function* () {
      const keys = keysOf(newKey("k1"))
      const stores = yield* Effect.forEach(Array.from({ length: 6 }), () => storeWith(keys, "together"), {
        concurrency: "unbounded"
      })
      const outcomes = yield* Effect.forEach(stores, (secrets) => secrets.create(NAME, VALUE))
      assert.deepStrictEqual(
        outcomes.filter((outcome) => outcome === "created"),
        ["created"]
      )
    })
  )

  it.effect("refuses a schema's name that is none", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(storeWith(keysOf(newKey("k1")), 'a"; drop'))
      assert.include(error.message, "SECRETS_SCHEMA")
    })
  )
})

describe("a PostgreSQL that goes away", () => {
  it.live("is a reason to try again, and works when it is back", () =>
    Effect.gen(function* () {
      const secrets = yield* storeWith(keysOf(newKey("k1")))
      const server = yield* PostgresServer
      yield* secrets.create(NAME, VALUE)
      yield* server.stop
      const error = yield* Effect.flip(secrets.read(NAME))
      assert.strictEqual(error.reason._tag, "SecretStoreUnavailable")
      assert.isTrue(error.isRetryable)
      yield* server.start
      yield* waitUntil(
        "readable again",
        Effect.map(secrets.read(NAME), (value) => value !== undefined)
      )
    }).pipe(Effect.provide(database))
  )
})
