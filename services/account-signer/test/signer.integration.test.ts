import { rmSync } from "node:fs"
import { join } from "node:path"
import { NKey, PLANS, type TenantRole } from "@bulkhead/accounts"
import { connectWith } from "@bulkhead/accounts/testing"
import type { TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Exit, Redacted, Scope } from "effect"
import { connectClient, query, startServers, startSigner } from "../testing/signerHarness.ts"

const acme = "acme" as TenantSlug
const asked = { actor: "test", tenant: acme }
const wanted = { ...asked, limits: PLANS.free, isSuspended: false }

const start = Effect.fnUntraced(function* () {
  const servers = yield* startServers()
  yield* startSigner(servers)
  return { servers, signer: yield* connectClient(servers) }
})

type Signer = Effect.Success<ReturnType<typeof connectClient>>

const newUser = Effect.fnUntraced(function* (
  signer: Signer,
  name = "collector-1",
  { key = NKey.make("user"), tenant = acme, hours = 1, role = "collector" as TenantRole } = {}
) {
  const expiresAt = DateTime.add(yield* DateTime.now, { hours })
  const request = { ...asked, tenant, role, name, purpose: "a test", publicKey: key.publicKey, expiresAt }
  const { claims } = yield* signer.ask("sign-user", request)
  return { claims, key }
})

describe("account-signer", () => {
  it.live("makes an account whose users get in, and gives the same account when asked again", () =>
    Effect.gen(function* () {
      const { servers, signer } = yield* start()
      const first = yield* signer.ask("ensure-account", wanted)
      assert.deepStrictEqual(yield* signer.ask("ensure-account", wanted), first)
      yield* connectWith(servers.nats.url, yield* newUser(signer))
      assert.deepStrictEqual(yield* signer.ask("count-connections", asked), { connections: 1 })
    })
  )

  it.live("cuts a revoked user within a second, for ever, and others stay", () =>
    Effect.gen(function* () {
      const { servers, signer } = yield* start()
      yield* signer.ask("ensure-account", wanted)
      const [unwelcome, welcome] = [yield* newUser(signer, "one"), yield* newUser(signer, "two")]
      const cut = yield* connectWith(servers.nats.url, unwelcome)
      const kept = yield* connectWith(servers.nats.url, welcome)
      yield* signer.ask("revoke-user", { ...asked, publicKey: unwelcome.key.publicKey })
      yield* waitUntil(
        "cut",
        Effect.sync(() => cut.isClosed()),
        "1 second"
      )
      // Signed again for another reason, the account still refuses it.
      yield* signer.ask("ensure-account", { ...wanted, limits: PLANS.pro })
      assert.isTrue(Exit.isFailure(yield* Effect.exit(connectWith(servers.nats.url, unwelcome))))
      assert.isFalse(kept.isClosed())
      const { users } = yield* signer.ask("list-users", asked)
      assert.deepStrictEqual(
        users.map(({ name, revokedAt }) => [name, revokedAt !== undefined]),
        [
          ["one", true],
          ["two", false]
        ]
      )
    })
  )

  it.live("signs for a revoked key never again, so that nothing brings it back", () =>
    Effect.gen(function* () {
      const { servers, signer } = yield* start()
      yield* signer.ask("ensure-account", wanted)
      const { key, claims } = yield* newUser(signer)
      yield* signer.ask("revoke-user", { ...asked, publicKey: key.publicKey })
      const error = yield* Effect.flip(newUser(signer, "again", { key }))
      assert.strictEqual(error.kind, "refused")
      assert.include(error.message, `user ${key.publicKey} was revoked: make a new key`)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(connectWith(servers.nats.url, { claims, key }))))
    })
  )

  it.live("keeps a revoked user out for as long as the longest of its claims could be good", () =>
    Effect.gen(function* () {
      const { servers, signer } = yield* start()
      yield* signer.ask("ensure-account", wanted)
      const { key } = yield* newUser(signer)
      const longer = yield* newUser(signer, "collector-1", { key, hours: 24 })
      yield* signer.ask("revoke-user", { ...asked, publicKey: key.publicKey })
      // The database's clock may stand behind the signer's, and the first claims' time may be over.
      yield* query(
        servers,
        `update bulkhead_signer.users
         set revoked_at = revoked_at - interval '1 minute', expires_at = expires_at - interval '3 hours'`
      )
      yield* signer.ask("ensure-account", { ...wanted, limits: PLANS.pro })
      assert.isTrue(Exit.isFailure(yield* Effect.exit(connectWith(servers.nats.url, longer))))
    })
  )

  it.live("signs a key for one tenant and one role only, so that revoking it is the end of it", () =>
    Effect.gen(function* () {
      const { signer } = yield* start()
      const globex = "globex" as TenantSlug
      for (const tenant of [acme, globex]) yield* signer.ask("ensure-account", { ...wanted, tenant })
      const { key } = yield* newUser(signer)
      for (const change of [
        { key, tenant: globex },
        { key, role: "viewer" as const }
      ]) {
        const error = yield* Effect.flip(newUser(signer, "other", change))
        assert.strictEqual(error.kind, "refused")
        assert.include(error.message, "make a new key")
      }
      assert.lengthOf((yield* signer.ask("list-users", { ...asked, tenant: globex })).users, 0)
    })
  )

  it.live("removes an account, then its keys, and makes new keys for a tenant of the same name", () =>
    Effect.gen(function* () {
      const { servers, signer } = yield* start()
      const { account } = yield* signer.ask("ensure-account", wanted)
      const user = yield* newUser(signer)
      const connection = yield* connectWith(servers.nats.url, user)
      const early = yield* Effect.flip(signer.ask("forget-account", asked))
      assert.include(early.message, "still has an account on the servers")
      assert.deepStrictEqual(yield* signer.ask("remove-account", asked), { account })
      assert.deepStrictEqual(yield* signer.ask("remove-account", asked), { account })
      yield* waitUntil(
        "cut",
        Effect.sync(() => connection.isClosed())
      )
      assert.include((yield* Effect.flip(signer.ask("ensure-account", wanted))).message, "is being removed")
      assert.deepStrictEqual(yield* signer.ask("forget-account", asked), { users: 1 })
      assert.deepStrictEqual(yield* signer.ask("remove-account", asked), {})
      const again = yield* signer.ask("ensure-account", wanted)
      assert.notStrictEqual(again.account, account)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(connectWith(servers.nats.url, user))))
    })
  )

  it.live("records each signature with who, what, when and by which key, for ever", () =>
    Effect.gen(function* () {
      const { servers, signer } = yield* start()
      yield* signer.ask("ensure-account", wanted)
      const user = yield* newUser(signer)
      const { entries } = yield* signer.ask("list-audit", asked)
      assert.deepStrictEqual(
        entries.map(({ actor, operation }) => [actor, operation]),
        [
          ["test", "sign-user"],
          ["test", "sign-account"]
        ]
      )
      assert.strictEqual(entries[0]?.subject, user.key.publicKey)
      assert.strictEqual(entries[1]?.keyId, servers.keys.operatorSigning.publicKey)
      for (const text of ["update bulkhead_signer.audit set actor = 'x'", "delete from bulkhead_signer.audit"]) {
        assert.isTrue(Exit.isFailure(yield* Effect.exit(query(servers, text))), text)
      }
    })
  )

  it.live("forgets users a month after their time, and keeps what it signed for them", () =>
    Effect.gen(function* () {
      const { servers, signer } = yield* start()
      yield* signer.ask("ensure-account", wanted)
      const [old, current] = [yield* newUser(signer, "old"), yield* newUser(signer, "current")]
      yield* query(
        servers,
        `update bulkhead_signer.users set expires_at = now() - interval '31 days' where public_key = '${old.key.publicKey}'`
      )
      yield* waitUntil(
        "the old user is forgotten",
        Effect.map(signer.ask("list-users", asked), ({ users }) => users.map(({ name }) => name).join() === "current")
      )
      const { entries } = yield* signer.ask("list-audit", asked)
      assert.isTrue(entries.some(({ subject }) => subject === old.key.publicKey))
      yield* connectWith(servers.nats.url, current)
    })
  )

  it.live("says what is wrong with a request", () =>
    Effect.gen(function* () {
      const { signer } = yield* start()
      const over = { ...PLANS.free, payloadBytes: 64 * 1024 * 1024 }
      const tooMuch = yield* Effect.flip(signer.ask("ensure-account", { ...wanted, limits: over }))
      assert.match(tooMuch.message, /payloadBytes 67108864 is over the server's max_payload of 1048576 bytes/)
      const unknown = yield* Effect.flip(newUser(signer))
      assert.strictEqual(unknown.kind, "unknown")
      yield* signer.ask("ensure-account", wanted)
      const nobody = yield* Effect.flip(signer.ask("revoke-user", { ...asked, publicKey: NKey.make("user").publicKey }))
      assert.include(nobody.message, "List its credentials")
    })
  )

  it.live("keeps no seed in clear, and no identity's seed at all", () =>
    Effect.gen(function* () {
      const { servers, signer } = yield* start()
      yield* signer.ask("ensure-account", wanted)
      const keys = yield* servers.keyring.tenant(acme)
      const seeds = Object.values(keys?.signing ?? {}).map(({ seed }) => Redacted.value(seed))
      assert.lengthOf(seeds, 4)
      const tables = yield* query(
        servers,
        "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname like 'bulkhead%'"
      )
      for (const { name } of tables) {
        const rows = (yield* query(servers, `select t::text as row from ${name} t`)).map(({ row }) => row).join()
        for (const seed of seeds) assert.notInclude(rows, seed)
      }
    })
  )
})

describe("servers and signer that come and go", () => {
  it.live("a signer that is away is an answer to try again, and works when it is back", () =>
    Effect.gen(function* () {
      const servers = yield* startServers()
      const signer = yield* connectClient(servers)
      const error = yield* Effect.flip(signer.ask("ensure-account", wanted))
      assert.isTrue(error.isRetryable)
      assert.include(error.message, "account-signer")
      const scope = yield* Scope.make()
      yield* startSigner(servers).pipe(Scope.provide(scope))
      const { account } = yield* signer.ask("ensure-account", wanted).pipe(Effect.retry({ times: 50 }))
      yield* Scope.close(scope, Exit.void)
      yield* startSigner(servers)
      assert.deepStrictEqual(yield* signer.ask("ensure-account", wanted).pipe(Effect.retry({ times: 50 })), { account })
    })
  )

  it.live("gives a server that lost its claims all of them back by itself", () =>
    Effect.gen(function* () {
      const { servers, signer } = yield* start()
      yield* signer.ask("ensure-account", wanted)
      const user = yield* newUser(signer)
      yield* servers.nats.stop
      yield* Effect.sync(() => rmSync(join(servers.folder, "resolver"), { recursive: true }))
      yield* servers.nats.start
      yield* waitUntil(
        "the user gets in again",
        Effect.map(Effect.exit(Effect.scoped(connectWith(servers.nats.url, user))), Exit.isSuccess)
      )
    })
  )

  it.live("finishes what was asked while the server did not answer", () =>
    Effect.gen(function* () {
      const { servers, signer } = yield* start()
      yield* signer.ask("ensure-account", wanted)
      const connection = yield* connectWith(servers.nats.url, yield* newUser(signer))
      yield* query(servers, "update bulkhead_signer.accounts set is_suspended = true, version = version + 1")
      yield* waitUntil(
        "cut by the resumed suspension",
        Effect.sync(() => connection.isClosed())
      )
    })
  )
})
