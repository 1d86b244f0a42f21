/** One thing of a tenant is broken, and the diagnosis names it and no other. */

import { execFile } from "node:child_process"
import { copyFileSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { credentialsWithout, type Servers, startServers, startSigner } from "@bulkhead/account-signer/testing"
import { NKey, PLANS, signPlatformUser, signTenantAccount } from "@bulkhead/accounts"
import { connectWith, inAnHour } from "@bulkhead/accounts/testing"
import type { TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { jetstreamManager } from "@nats-io/jetstream"
import { type Account, decode, encodeAccount, type SigningKey } from "@nats-io/jwt"
import { connect, credsAuthenticator } from "@nats-io/transport-node"
import { Effect, Exit, Scope } from "effect"
import type { CheckName, Diagnosis } from "../src/api/DiagnosisApi.ts"
import { judgeClocks } from "../src/diagnosis/checkClocks.ts"
import { encode, ocsfEvent } from "../testing/events.ts"
import { type Api, connectAs, issue, publish, query, startCoreOn } from "../testing/lifecycleHarness.ts"

/** What was broken stays broken: a lane that failed once is not tried again, and nobody looks for drift. */
const WITHOUT_REPAIR = {
  CORE_RESTARTS_MAX: "1",
  CORE_RETRY_RARE_MS: "600000",
  CORE_DRIFT_MS: "600000",
  CORE_QUOTA_MEASURE_MS: "200"
}

const start = Effect.gen(function* () {
  const servers = yield* startServers()
  const signer = yield* Scope.make()
  yield* Effect.addFinalizer(() => Scope.close(signer, Exit.void))
  yield* startSigner(servers).pipe(Scope.provide(signer))
  const api = yield* startCoreOn(servers, WITHOUT_REPAIR)
  return { servers, api, endSigner: Scope.close(signer, Exit.void) }
})

const diagnosisOf = (api: Api, slug: string) => api.diagnosis.get({ params: { slug } })

const create = Effect.fnUntraced(function* (api: Api, slug: string) {
  yield* api.tenants.create({ payload: { slug: slug as TenantSlug, name: slug, plan: "free" } })
  yield* waitUntil(
    `a message of ${slug} gets through`,
    Effect.map(diagnosisOf(api, slug), ({ stopsAt }) => stopsAt === undefined)
  )
})

const findingAt = ({ checks }: Diagnosis, name: CheckName) => checks.find(({ check }) => check === name)

/** The diagnosis stops at this place, names no other, and says what was seen and what to do. */
const assertStops = (diagnosis: Diagnosis, at: CheckName, seen: RegExp, nextStep: RegExp) => {
  const failed = diagnosis.checks.filter(({ outcome }) => outcome === "failed")
  assert.deepStrictEqual(
    failed.map(({ check }) => check),
    [at],
    JSON.stringify(diagnosis.checks)
  )
  assert.strictEqual(diagnosis.stopsAt, at)
  assert.match(failed[0]?.seen ?? "", seen)
  assert.match(failed[0]?.nextStep ?? "", nextStep)
}

/** With core's own credentials, as somebody would who has them. */
const inJetStream = <A>(
  { coreEnvironment }: Servers,
  use: (manager: Awaited<ReturnType<typeof jetstreamManager>>) => Promise<A>
) =>
  Effect.promise(async () => {
    const { NATS_URL, NATS_CREDS_FILE, NATS_INBOX_PREFIX } = coreEnvironment
    const authenticator = credsAuthenticator(readFileSync(NATS_CREDS_FILE))
    const connection = await connect({ servers: NATS_URL, authenticator, inboxPrefix: NATS_INBOX_PREFIX })
    try {
      return await use(await jetstreamManager(connection, { checkAPI: false }))
    } finally {
      await connection.close()
    }
  })

/** Gives the servers other claims of a tenant's account than the signer did. */
const pushClaims = Effect.fnUntraced(function* (
  servers: Servers,
  slug: string,
  change: (nats: Partial<Account>) => Partial<Account>
) {
  const tenant = slug as TenantSlug
  const keys = yield* servers.keyring.tenant(tenant)
  if (keys === undefined) return assert.fail(`${slug} has keys`)
  const good = yield* Effect.promise(() => signTenantAccount({ tenant, limits: PLANS.free }, keys, servers.keys))
  const { nats } = decode<Account>(good)
  const signer = { signer: servers.keys.operatorSigning.signer }
  const claims = yield* Effect.promise(() => encodeAccount(slug, keys.publicKey, change(nats), signer))
  const key = NKey.make("user")
  const user = { name: "admin", publicKey: key.publicKey, expiresAt: inAnHour() }
  const all = { pub: { allow: [">"] }, sub: { allow: [">"] } }
  const admin = yield* Effect.promise(() => signPlatformUser(user, all, servers.keys.system))
  const connection = yield* connectWith(servers.nats.url, { claims: admin, key })
  yield* Effect.promise(() => connection.request("$SYS.REQ.CLAIMS.UPDATE", claims))
})

const withoutPublishing = ({ signing_keys, ...nats }: Partial<Account>): Partial<Account> => ({
  ...nats,
  signing_keys: (signing_keys as Array<SigningKey>).map((role) => ({
    ...role,
    template: { ...role.template, pub: { allow: ["of.nobody"] } }
  }))
})

const tenantsOfFaults = [
  "stream",
  "consumer",
  "schema",
  "suspended",
  "rate",
  "storage",
  "full",
  "roles",
  "imports",
  "taken",
  "signer"
]

describe("the diagnosis of a tenant", () => {
  it.live(
    "names the one thing that is broken, and is silent while nothing is",
    () =>
      Effect.gen(function* () {
        const { servers, api, endSigner } = yield* start
        yield* Effect.forEach(tenantsOfFaults, (name) => create(api, `t-${name}`), { concurrency: 4 })
        const whole = yield* diagnosisOf(api, "t-stream")
        assert.isTrue(
          whole.checks.every(({ outcome }) => outcome === "ok"),
          JSON.stringify(whole.checks)
        )

        yield* inJetStream(servers, ({ streams }) => streams.delete("events-t-stream"))
        const stream = yield* diagnosisOf(api, "t-stream")
        assertStops(stream, "stream", /no stream "events-t-stream"/, /bulkhead streams apply t-stream/)
        assert.strictEqual(findingAt(stream, "consumer")?.outcome, "skipped")

        yield* inJetStream(servers, ({ consumers }) => consumers.delete("events-t-consumer", "event-writer"))
        assertStops(yield* diagnosisOf(api, "t-consumer"), "consumer", /no consumer "event-writer"/, /makes it again/)

        yield* query(servers, `drop schema "tenant_t_schema" cascade`)
        assertStops(yield* diagnosisOf(api, "t-schema"), "schema", /"tenant_t_schema" was dropped/, /CORE_DRIFT_MS/)

        yield* inJetStream(servers, ({ streams }) => streams.update("events-t-taken", { subjects: ["t-taken.logs.>"] }))
        const taken = yield* diagnosisOf(api, "t-taken")
        assert.strictEqual(taken.checks.find(({ outcome }) => outcome === "failed")?.check, taken.stopsAt)
        assert.match(findingAt(taken, "stream")?.seen ?? "", /and not "t-taken\.events\.>"/)

        yield* api.tenants.suspend({ params: { slug: "t-suspended" } })
        const suspended = yield* diagnosisOf(api, "t-suspended")
        assertStops(suspended, "account", /suspended: no client gets in/, /bulkhead tenants resume t-suspended/)

        const rate = { slug: "t-rate" }
        yield* api.tenants.change({ params: rate, payload: { limits: { eventsPerSecond: 0 } } })
        const sender = yield* connectAs(servers, yield* issue(api, "t-rate"))
        yield* publish(sender, "events.poller.health", ocsfEvent("t-rate", 1))
        yield* waitUntil(
          "the lane is held",
          Effect.map(api.health.get({ params: rate }), ({ heldBy }) => heldBy === "rate")
        )
        assertStops(yield* diagnosisOf(api, "t-rate"), "lane", /rate quota slows it down/, /limits set t-rate/)

        const storage = { slug: "t-storage" }
        yield* api.tenants.change({ params: storage, payload: { limits: { databaseBytes: 1 } } })
        const storer = yield* connectAs(servers, yield* issue(api, "t-storage"))
        yield* publish(storer, "events.poller.health", ocsfEvent("t-storage", 1))
        yield* waitUntil(
          "the lane is stopped",
          Effect.map(api.health.get({ params: storage }), ({ heldBy }) => heldBy === "storage")
        )
        assertStops(yield* diagnosisOf(api, "t-storage"), "lane", /storage quota stops it.*bytes/, /databaseBytes=/)

        yield* api.tenants.change({ params: { slug: "t-full" }, payload: { limits: { streamBytes: 10_000 } } })
        const filler = yield* connectAs(servers, yield* issue(api, "t-full"))
        for (const message of [ocsfEvent("t-full", 1), encode({})]) {
          yield* publish(filler, "events.poller.health", message).pipe(Effect.forever, Effect.flip)
        }
        assertStops(yield* diagnosisOf(api, "t-full"), "stream", /is full: \d+ of 10000 bytes/, /streamBytes=/)

        yield* pushClaims(servers, "t-roles", withoutPublishing)
        assertStops(yield* diagnosisOf(api, "t-roles"), "permissions", /may not publish/, /signed again/)

        yield* pushClaims(servers, "t-imports", (nats) => ({ ...nats, imports: [] }))
        assertStops(yield* diagnosisOf(api, "t-imports"), "bridge", /does not reach the platform/, /signed again/)

        yield* endSigner
        assertStops(yield* diagnosisOf(api, "t-signer"), "account", /account-signer/, /ready/)

        yield* servers.nats.stop
        yield* waitUntil(
          "NATS is named",
          Effect.map(diagnosisOf(api, "t-rate"), ({ stopsAt }) => stopsAt === "connection")
        )
        const away = yield* diagnosisOf(api, "t-rate")
        assertStops(away, "connection", /not connected to NATS/, /NATS_URL/)
        yield* servers.postgres.stop
        assertStops(yield* diagnosisOf(api, "t-rate"), "connection", /NATS/, /nats-server/)
      }),
    120_000
  )

  it.live(
    "names a right that core's credentials lack until they are made anew, a consumer of the shared stream, and PostgreSQL",
    () =>
      Effect.gen(function* () {
        const servers = yield* startServers()
        yield* startSigner(servers)
        // As those that were issued before core could ask for its rights.
        copyFileSync(
          yield* credentialsWithout(servers, "core", "$SYS.REQ.USER.INFO"),
          join(servers.folder, "core.creds")
        )
        const shared = { ...WITHOUT_REPAIR, CORE_LAYOUT: "shared" }
        const earlier = yield* Scope.make()
        const old = yield* startCoreOn(servers, shared).pipe(Scope.provide(earlier))
        yield* old.tenants.create({ payload: { slug: "acme" as TenantSlug, name: "acme", plan: "free" } })
        yield* waitUntil(
          "all but the rights is well",
          Effect.map(diagnosisOf(old, "acme"), ({ checks }) =>
            checks.every(({ check, outcome }) => (check === "rights") === (outcome === "failed"))
          )
        )
        const lacking = yield* diagnosisOf(old, "acme")
        assertStops(lacking, "rights", /may not publish on "\$SYS\.REQ\.USER\.INFO"/, /npm run bootstrap -w/)
        yield* Scope.close(earlier, Exit.void)

        yield* Effect.promise(() =>
          promisify(execFile)(
            process.execPath,
            [
              "--conditions=@bulkhead/source",
              fileURLToPath(new URL("../../account-signer/src/bootstrap.ts", import.meta.url))
            ],
            { env: { PATH: process.env.PATH, ...servers.environment, BOOTSTRAP_FOLDER: servers.folder } }
          )
        )
        const api = yield* startCoreOn(servers, shared)
        yield* waitUntil(
          "acme is well",
          Effect.map(diagnosisOf(api, "acme"), ({ stopsAt }) => stopsAt === undefined)
        )

        yield* inJetStream(servers, ({ consumers }) => consumers.delete("events", "event-writer-acme"))
        assertStops(
          yield* diagnosisOf(api, "acme"),
          "consumer",
          /"events" has no consumer "event-writer-acme"/,
          /again/
        )

        yield* servers.postgres.stop
        yield* waitUntil(
          "PostgreSQL is named",
          Effect.map(diagnosisOf(api, "acme"), ({ stopsAt }) => stopsAt === "connection").pipe(
            Effect.orElseSucceed(() => false)
          )
        )
        assertStops(yield* diagnosisOf(api, "acme"), "connection", /PostgreSQL does not answer core/, /DATABASE_URL/)
      }),
    120_000
  )

  it("names a clock that is more than two seconds away", () => {
    assert.strictEqual(judgeClocks({ NATS: 1_900, PostgreSQL: -40 }).outcome, "ok")
    const late = judgeClocks({ NATS: 3, PostgreSQL: -2_100 })
    assert.strictEqual(late.outcome, "failed")
    assert.match(late.seen, /PostgreSQL -2100 ms; the limit is 2000 ms/)
    assert.match(late.nextStep ?? "", /core and PostgreSQL/)
  })
})
