import type { TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeInstallation, makeTenantKeys, NKey, PLANS, signTenantAccount } from "../src/index.ts"
import { connectWith, makeTenantUser, startInstallation } from "../testing/installation.ts"

const acme = { tenant: "acme" as TenantSlug, limits: PLANS.free }

describe("claims pushed", () => {
  it.live("say why the server refuses them", () =>
    Effect.gen(function* () {
      const { servers } = yield* startInstallation()
      const error = yield* Effect.flip(servers.push("these are no claims"))
      assert.match(error.message, /server bulkhead-dev refuses: .+/)
    })
  )

  it.live("bring nobody in whom another operator has signed, although the server stores them", () =>
    Effect.gen(function* () {
      const { servers, server } = yield* startInstallation()
      const keys = makeTenantKeys()
      const other = yield* Effect.promise(() => makeInstallation("other", NKey.make("operator")))
      yield* servers.push(yield* Effect.promise(() => signTenantAccount(acme, keys, other)))
      const user = yield* makeTenantUser(keys, "collector-1", "collector")
      assert.strictEqual((yield* Effect.exit(connectWith(server.url, user)))._tag, "Failure")
    })
  )

  it.live("cut a revoked user at once, and others stay", () =>
    Effect.gen(function* () {
      const installation = yield* startInstallation()
      const tenant = yield* installation.onboard("acme")
      const [unwelcome, welcome] = [yield* tenant.user("collector"), yield* tenant.user("collector")]
      const { url } = installation.server
      const [cut, kept] = [yield* connectWith(url, unwelcome), yield* connectWith(url, welcome)]
      const revoked = { [unwelcome.publicKey]: Math.ceil(Date.now() / 1_000) }
      yield* installation.push({ ...tenant.account, revoked }, tenant.keys)
      yield* waitUntil(
        "the unwelcome user is cut",
        Effect.sync(() => cut.isClosed()),
        "1 second"
      )
      assert.isFalse(kept.isClosed())
      assert.strictEqual((yield* Effect.exit(connectWith(url, unwelcome)))._tag, "Failure")
    })
  )

  it.live("suspend an account: clients are cut and nobody gets in, until it is resumed", () =>
    Effect.gen(function* () {
      const installation = yield* startInstallation()
      const tenant = yield* installation.onboard("acme")
      const connection = yield* tenant.connectAs("collector")
      assert.strictEqual(yield* installation.servers.connections(tenant.keys.publicKey), 1)
      yield* installation.push({ ...tenant.account, isSuspended: true }, tenant.keys)
      yield* waitUntil(
        "cut",
        Effect.sync(() => connection.isClosed())
      )
      assert.strictEqual((yield* Effect.exit(tenant.connectAs("collector")))._tag, "Failure")
      assert.strictEqual(yield* installation.servers.connections(tenant.keys.publicKey), 0)
      yield* installation.push(tenant.account, tenant.keys)
      yield* tenant.connectAs("collector")
    })
  )

  it.live("limit connections to the plan's", () =>
    Effect.gen(function* () {
      const { onboard } = yield* startInstallation()
      const tenant = yield* onboard("acme", { limits: { ...PLANS.free, connections: 2 } })
      yield* tenant.connectAs("collector")
      yield* tenant.connectAs("collector")
      assert.strictEqual((yield* Effect.exit(tenant.connectAs("collector")))._tag, "Failure")
    })
  )

  it.live("of 0 let nothing through, be it connections, subscriptions or bytes", () =>
    Effect.gen(function* () {
      const { onboard } = yield* startInstallation()
      const closed = yield* onboard("closed", { limits: { ...PLANS.free, connections: 0 } })
      assert.strictEqual((yield* Effect.exit(closed.connectAs("collector")))._tag, "Failure")

      const deaf = yield* onboard("deaf", { limits: { ...PLANS.free, subscriptions: 0 } })
      const listener = yield* deaf.connectAs("collector")
      // It publishes, and cannot hear the answer.
      const deafened = yield* Effect.exit(
        Effect.tryPromise(() => listener.request("events.x", "{}", { timeout: 1_000 }))
      )
      assert.strictEqual(deafened._tag, "Failure")

      const dumb = yield* onboard("dumb", { limits: { ...PLANS.free, payloadBytes: 0 } })
      const speaker = yield* dumb.connectAs("collector")
      assert.strictEqual(speaker.info?.max_payload, 0)
    })
  )
})

describe("claims removed", () => {
  it.live("cut whoever is connected, and let nobody in", () =>
    Effect.gen(function* () {
      const installation = yield* startInstallation()
      const { servers, keys } = installation
      const tenant = yield* installation.onboard("acme")
      const account = tenant.keys.publicKey
      const connection = yield* tenant.connectAs("collector")
      assert.isTrue((yield* servers.held).has(account))
      yield* servers.remove(account, keys.operatorSigning)
      yield* waitUntil(
        "cut",
        Effect.sync(() => connection.isClosed())
      )
      assert.strictEqual((yield* Effect.exit(tenant.connectAs("collector")))._tag, "Failure")
      assert.isFalse((yield* servers.held).has(account))
      assert.strictEqual(yield* servers.connections(account), 0)
      // Again, as a saga does that was interrupted.
      yield* servers.remove(account, keys.operatorSigning)
    })
  )
})

describe("a server that does not answer", () => {
  it.live("is named, and what was asked can be asked again", () =>
    Effect.gen(function* () {
      const { servers, server, push } = yield* startInstallation()
      const keys = makeTenantKeys()
      yield* push(acme, keys)
      yield* server.pause
      const error = yield* Effect.flip(push(acme, keys))
      assert.isTrue(error.isRetryable)
      assert.match(error.message, /no answer from bulkhead-dev within 5000 ms/)
      yield* server.resume
      yield* push(acme, keys).pipe(Effect.retry({ times: 3 }))
      assert.isTrue((yield* servers.held).has(keys.publicKey))
    })
  )
})
