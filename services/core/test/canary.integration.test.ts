import { startServers, startSigner } from "@bulkhead/account-signer/testing"
import { NKey, PLANS, signPlatformUser, signTenantAccount } from "@bulkhead/accounts"
import { connectWith, inAnHour } from "@bulkhead/accounts/testing"
import type { TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { Health, Metrics } from "@bulkhead/observability"
import { assert, describe, it } from "@effect/vitest"
import { type Account, decode, encodeAccount, encodeActivation, type SigningKey } from "@nats-io/jwt"
import { ConfigProvider, Effect, Layer } from "effect"
import { CoreApp } from "../src/CoreApp.ts"
import { coreEnvironment } from "../testing/lifecycleHarness.ts"

const ATTACKER = "bulkhead-canary-a" as TenantSlug
const VICTIM = "bulkhead-canary-b"

/** The platform with a canary that leans against the walls several times a second. */
const start = Effect.gen(function* () {
  const servers = yield* startServers()
  yield* startSigner(servers)
  const { environment } = yield* coreEnvironment(servers)
  const settings = ConfigProvider.layer(ConfigProvider.fromEnvRecord({ ...environment, CORE_CANARY_MS: "200" }))
  const process = Layer.mergeAll(Health.layer, Metrics.layer("core", "test"))
  const context = yield* Layer.build(CoreApp.pipe(Layer.provideMerge(process), Layer.provide(settings)))
  const { registry } = yield* Effect.provideContext(Metrics, context)
  const health = yield* Effect.provideContext(Health, context)
  const rounds = (outcome: string) =>
    Effect.promise(async () => {
      const text = await registry.getSingleMetricAsString("bulkhead_isolation_canary_rounds_total")
      return Number(new RegExp(`outcome="${outcome}"[^}]*} (\\d+)`).exec(text)?.[1] ?? 0)
    })
  const isolation = Effect.map(health.report, ({ checks }) => checks.isolation)
  return { servers, rounds, isolation }
})

describe("the isolation canary", () => {
  it.live("finds the walls closed; when one is open readiness says which, and turns green when it is closed", () =>
    Effect.gen(function* () {
      const { servers, rounds, isolation } = yield* start
      yield* waitUntil(
        "a round in which all walls held",
        Effect.map(rounds("held"), (count) => count > 0)
      )
      assert.strictEqual(yield* isolation, "ok")
      assert.strictEqual(yield* rounds("open"), 0)

      // The platform gives the attacker the victim's prefix, and its roles every subject: no server can see the mistake.
      const keys = yield* servers.keyring.tenant(ATTACKER)
      if (keys === undefined) return assert.fail("the canary has keys")
      const account = { tenant: ATTACKER, limits: PLANS.free }
      const good = yield* Effect.promise(() => signTenantAccount(account, keys, servers.keys))
      const leaky = yield* Effect.promise(async () => {
        const { platform, operatorSigning } = servers.keys
        const subject = `${VICTIM}.events.>`
        const activation = { subject, kind: "service" } as const
        const signer = { signer: platform.signing.signer }
        const token = await encodeActivation("leak", keys.publicKey, platform.publicKey, "service", activation, signer)
        const { imports = [], signing_keys, ...nats } = decode<Account>(good).nats
        const roles = (signing_keys as Array<SigningKey>).map((role) => ({
          ...role,
          template: { ...role.template, pub: { allow: [">"] } }
        }))
        const leak = {
          name: "leak",
          subject,
          type: "service" as const,
          account: platform.publicKey,
          local_subject: subject,
          token
        }
        const signedByOperator = { signer: operatorSigning.signer }
        return encodeAccount(
          ATTACKER,
          keys.publicKey,
          { ...nats, signing_keys: roles, imports: [...imports, leak] },
          signedByOperator
        )
      })
      const key = NKey.make("user")
      const claims = yield* Effect.promise(() =>
        signPlatformUser(
          { name: "admin", publicKey: key.publicKey, expiresAt: inAnHour() },
          { pub: { allow: [">"] }, sub: { allow: [">"] } },
          servers.keys.system
        )
      )
      const admin = yield* connectWith(servers.nats.url, { claims, key })
      const push = (jwt: string) => Effect.promise(() => admin.request("$SYS.REQ.CLAIMS.UPDATE", jwt))
      yield* push(leaky)
      yield* waitUntil(
        "readiness names the open wall",
        Effect.map(isolation, (text = "") => /a wall is open: publish: bulkhead-canary-b\.events\./.test(text))
      )
      assert.isAbove(yield* rounds("open"), 0)
      yield* push(good)
      yield* waitUntil(
        "green again",
        Effect.map(isolation, (text) => text === "ok")
      )
    })
  )
})
