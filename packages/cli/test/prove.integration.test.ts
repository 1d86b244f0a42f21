import { AccountServers, accountLimits, limitsOf, NKey, signPlatformUser, signTenantAccount } from "@bulkhead/accounts"
import { connectWith, everything, inAnHour } from "@bulkhead/accounts/testing"
import { startCore, startPlatform } from "@bulkhead/core/testing"
import type { TenantSlug } from "@bulkhead/tenancy"
import { assert, describe, it } from "@effect/vitest"
import { type Account, decode, encodeAccount, encodeActivation } from "@nats-io/jwt"
import { Effect, Layer } from "effect"
import { coreAt, startCli } from "./cliHarness.ts"

const acme = "acme" as TenantSlug
const globex = "globex" as TenantSlug

type Servers = Effect.Success<ReturnType<typeof startPlatform>>["servers"]

/** The claims of acme whose logs go to globex, signed by those who alone can. */
const leaking = Effect.fnUntraced(function* ({ keys, keyring }: Servers) {
  const own = yield* keyring.tenant(acme)
  if (own === undefined) return yield* Effect.die("acme has no keys")
  return yield* Effect.promise(async () => {
    const claims = await signTenantAccount({ tenant: acme, limits: accountLimits(limitsOf("pro")) }, own, keys)
    const { name, sub, nats } = decode<Account>(claims)
    const way = { subject: "globex.logs.>", kind: "service" as const }
    const signer = { signer: keys.platform.signing.signer }
    const token = await encodeActivation("t", sub, keys.platform.publicKey, way.kind, way, signer)
    const imports = (nats.imports ?? []).map((one) =>
      one.local_subject === "logs.>" ? { ...one, subject: way.subject, token } : one
    )
    return encodeAccount(name, sub, { ...nats, imports }, { signer: keys.operatorSigning.signer })
  })
})

/** Gives claims to the server, as whoever holds the keys of the installation could. */
const push = Effect.fnUntraced(function* ({ nats, keys }: Servers, claims: string) {
  const key = NKey.make("user")
  const user = { name: "intruder", publicKey: key.publicKey, expiresAt: inAnHour() }
  const system = yield* connectWith(nats.url, {
    key,
    claims: yield* Effect.promise(() => signPlatformUser(user, everything, keys.system))
  })
  const asked = yield* Layer.build(AccountServers.layer(Effect.succeed(system), "_INBOX"))
  yield* Effect.flatMap(AccountServers, (servers) => servers.push(claims)).pipe(Effect.provideContext(asked))
})

describe("prove", () => {
  it.live("prints who can reach whom, and names the way that leads across a wall", () =>
    Effect.gen(function* () {
      const { servers, api, url } = yield* startPlatform()
      for (const slug of [acme, globex]) yield* api.tenants.create({ payload: { slug, name: slug, plan: "pro" } })
      const cli = yield* startCli(coreAt(url))
      const sound = yield* cli.ok("prove")
      assert.match(sound, /^from \\ to +acme +default +globex +PLATFORM\nacme +=/)
      assert.match(sound, /3 tenants, 0 leaks, 0 warnings$/)
      yield* push(servers, yield* leaking(servers))
      const open = yield* cli.run(["prove"])
      assert.strictEqual(open.exit, 1)
      assert.match(open.stderr, /^bulkhead: \d+ ways? leads? across a wall, the first from acme to globex: /)
      assert.match(open.stdout, /leak +publish: acme → globex/)
      const { exit, stdout } = yield* cli.run(["prove", "--json"])
      assert.strictEqual(exit, 1)
      assert.deepInclude(JSON.parse(stdout), { tenants: [acme, "default", globex], accounts: 5 })
    })
  )

  it.live("says that there is nothing to prove where all tenants share an account", () =>
    Effect.gen(function* () {
      const { url } = yield* startCore()
      const cli = yield* startCli(coreAt(url))
      const { exit, stderr } = yield* cli.run(["prove"])
      assert.strictEqual(exit, 1)
      assert.match(stderr, /CORE_ACCOUNTS=none/)
    })
  )
})
