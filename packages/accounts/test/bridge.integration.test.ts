import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { streamName, type TenantSlug } from "@bulkhead/channels"
import { startNatsServer, waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { jetstream, jetstreamManager } from "@nats-io/jetstream"
import { encodeAccount, encodeActivation } from "@nats-io/jwt"
import { connect, credsAuthenticator, type NatsConnection } from "@nats-io/transport-node"
import { Effect, Redacted } from "effect"
import {
  inboxPrefixOf,
  makeAccountKeys,
  makeInstallationKeys,
  PLANS,
  pushClaims,
  resolverConfig,
  signInstallation,
  signTenantAccount,
  signTenantUser,
  signUser,
  type UserCredentials
} from "../src/index.ts"

const tomorrow = () => new Date(Date.now() + 86_400_000)
const everything = { pub: { allow: [">"] }, sub: { allow: [">"] } }

/** An installation on a server of its own, with connections of its system and platform accounts. */
const install = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "bulkhead-accounts-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  const keys = makeInstallationKeys()
  const claims = yield* Effect.promise(() => signInstallation("test", keys))
  const server = yield* startNatsServer({
    folder: join(folder, "server"),
    config: resolverConfig(claims, keys, join(folder, "jwt"))
  })
  const connectAs = (user: UserCredentials, options: { readonly inboxPrefix?: string } = {}) =>
    Effect.acquireRelease(
      Effect.tryPromise(() =>
        connect({
          servers: server.url,
          authenticator: credsAuthenticator(new TextEncoder().encode(Redacted.value(user.creds))),
          reconnect: false,
          ...options
        })
      ),
      (open) => Effect.promise(() => open.close())
    )
  const system = yield* connectAs(yield* Effect.promise(() => signUser(keys.system, "sys", everything, tomorrow())))
  const platform = yield* connectAs(
    yield* Effect.promise(() => signUser(keys.platform, "platform", everything, tomorrow()))
  )
  return { keys, system, platform, connectAs }
})

type Installation = Effect.Success<typeof install>

/** Onboards a tenant and connects one of its collectors. */
const onboard = Effect.fnUntraced(function* (to: Installation, slug: string) {
  const keys = makeAccountKeys()
  const tenant = slug as TenantSlug
  const jwt = yield* Effect.promise(() => signTenantAccount({ tenant, keys, limits: PLANS.free }, to.keys))
  yield* pushClaims(to.system, jwt)
  yield* Effect.promise(async () => {
    const manager = await jetstreamManager(to.platform)
    await manager.streams.add({ name: streamName(tenant), subjects: [`${slug}.events.>`, `${slug}.logs.>`] })
  })
  const user = yield* Effect.promise(() => signTenantUser(keys, "collector-1", "collector", tomorrow()))
  const collector = yield* to.connectAs(user, { inboxPrefix: inboxPrefixOf("collector-1") })
  return { collector }
})

const stored = (to: Installation, slug: string) =>
  Effect.promise(
    async () =>
      (await (await jetstreamManager(to.platform)).streams.info(streamName(slug as TenantSlug))).state.messages
  )

const publish = (from: NatsConnection, subject: string, messageId: string) =>
  Effect.tryPromise(() => jetstream(from).publish(subject, "{}", { msgID: messageId, timeout: 1_000 }))

describe("the bridge", () => {
  it.live("puts the tenant before the subject, and brings the stream's acknowledgement and deduplication back", () =>
    Effect.gen(function* () {
      const installation = yield* install
      const acme = yield* onboard(installation, "acme")
      const ack = yield* publish(acme.collector, "events.poller.health", "one")
      assert.deepInclude(ack, { stream: "events-acme", seq: 1 })
      assert.isTrue((yield* publish(acme.collector, "events.poller.health", "one")).duplicate)
      const message = yield* Effect.promise(async () =>
        (await jetstreamManager(installation.platform)).streams.getMessage("events-acme", { seq: 1 })
      )
      assert.strictEqual(message?.subject, "acme.events.poller.health")
    })
  )

  it.live("lets two tenants publish the same subject, each into its own stream", () =>
    Effect.gen(function* () {
      const installation = yield* install
      const acme = yield* onboard(installation, "acme")
      const globex = yield* onboard(installation, "globex")
      yield* publish(acme.collector, "logs.syslog", "1")
      yield* publish(globex.collector, "logs.syslog", "1")
      yield* publish(globex.collector, "logs.syslog", "2")
      assert.strictEqual(yield* stored(installation, "acme"), 1)
      assert.strictEqual(yield* stored(installation, "globex"), 2)
    })
  )

  it.live("has no way into another tenant: its prefix, the platform's API, or a look at its messages", () =>
    Effect.gen(function* () {
      const installation = yield* install
      const acme = yield* onboard(installation, "acme")
      const { collector } = yield* onboard(installation, "globex")
      const seen: Array<string> = []
      for (const subject of [">", "acme.>", "events.>", "_INBOX.>", "_INBOX_collector-1.>"]) {
        collector.subscribe(subject, { callback: (refused, message) => void (refused ?? seen.push(message.subject)) })
      }
      yield* Effect.promise(() => collector.flush())
      for (const subject of [
        "acme.events.x",
        "globex.events.x",
        "*.events.x",
        "$JS.API.STREAM.PURGE.events-acme",
        "$SYS.REQ.SERVER.PING"
      ]) {
        const reply = yield* Effect.exit(Effect.tryPromise(() => collector.request(subject, "{}", { timeout: 300 })))
        assert.strictEqual(reply._tag, "Failure", subject)
      }
      yield* publish(acme.collector, "events.secret", "1")
      yield* Effect.promise(() => collector.flush())
      assert.strictEqual(yield* stored(installation, "acme"), 1)
      assert.deepStrictEqual(
        seen.filter((subject) => !subject.startsWith("_INBOX_collector-1.")),
        []
      )
    })
  )

  it.live("refuses an account that gave itself another tenant's prefix", () =>
    Effect.gen(function* () {
      const installation = yield* install
      yield* onboard(installation, "acme")
      const { keys, system } = installation
      const evil = makeAccountKeys()
      const subject = "acme.events.>"
      const [own, stolen] = yield* Effect.promise(() =>
        Promise.all([
          // A token it signed itself, and one that the platform signed for somebody else.
          encodeActivation("evil", evil.identity.publicKey, evil.identity.signer, "service", {
            subject,
            kind: "service"
          }),
          encodeActivation(
            "acme",
            makeAccountKeys().identity.publicKey,
            keys.platform.identity.publicKey,
            "service",
            { subject, kind: "service" },
            { signer: keys.platform.signing.signer }
          )
        ])
      )
      for (const token of [own, stolen, undefined]) {
        const entry = {
          name: "e",
          subject,
          type: "service" as const,
          account: keys.platform.identity.publicKey,
          local_subject: "events.>"
        }
        const imports = [token === undefined ? entry : { ...entry, token }]
        const jwt = yield* Effect.promise(() =>
          encodeAccount(
            "evil",
            evil.identity.signer,
            { imports, signing_keys: [evil.signing.publicKey] },
            { signer: keys.operatorSigning.signer }
          )
        )
        const pushed = yield* Effect.exit(pushClaims(system, jwt))
        if (pushed._tag === "Success") {
          const user = yield* Effect.promise(() => signUser(evil, "evil", everything, tomorrow()))
          const connection = yield* installation.connectAs(user)
          assert.strictEqual((yield* Effect.exit(publish(connection, "events.x", "1")))._tag, "Failure")
        }
        assert.strictEqual(yield* stored(installation, "acme"), 0)
      }
    })
  )
})

describe("pushClaims", () => {
  it.live("says why the server refuses", () =>
    Effect.gen(function* () {
      const { system } = yield* install
      const error = yield* Effect.flip(pushClaims(system, "these are no claims"))
      assert.isFalse(error.isRetryable)
      assert.match(error.message, /did not take the account's claims: .+/)
    })
  )

  it.live("brings nobody in whom another operator has signed, although the server stores the claims", () =>
    Effect.gen(function* () {
      const { system, connectAs } = yield* install
      const keys = makeAccountKeys()
      const account = { tenant: "acme" as TenantSlug, keys, limits: PLANS.free }
      yield* pushClaims(system, yield* Effect.promise(() => signTenantAccount(account, makeInstallationKeys())))
      const user = yield* Effect.promise(() => signTenantUser(keys, "collector-1", "collector", tomorrow()))
      assert.strictEqual((yield* Effect.exit(connectAs(user)))._tag, "Failure")
    })
  )
})

describe("revocation", () => {
  it.live("cuts a connected user at once, and others stay", () =>
    Effect.gen(function* () {
      const { system, connectAs, keys: installation } = yield* install
      const keys = makeAccountKeys()
      const account = { tenant: "acme" as TenantSlug, keys, limits: PLANS.free }
      const push = (revoked: Record<string, number>) =>
        Effect.flatMap(
          Effect.promise(() => signTenantAccount({ ...account, revoked }, installation)),
          (jwt) => pushClaims(system, jwt)
        )
      yield* push({})
      const [unwelcome, welcome] = yield* Effect.promise(() =>
        Promise.all(["one", "two"].map((name) => signTenantUser(keys, name, "collector", tomorrow())))
      )
      if (unwelcome === undefined || welcome === undefined) return assert.fail("two users")
      const cut = yield* connectAs(unwelcome)
      const kept = yield* connectAs(welcome)
      yield* push({ [unwelcome.publicKey]: Math.ceil(Date.now() / 1_000) })
      yield* waitUntil(
        "the unwelcome user is cut",
        Effect.sync(() => cut.isClosed()),
        "1 second"
      )
      assert.isFalse(kept.isClosed())
      assert.strictEqual((yield* Effect.exit(connectAs(unwelcome)))._tag, "Failure")
    })
  )
})

describe("limits", () => {
  it.live("are the plan's: one connection more is refused", () =>
    Effect.gen(function* () {
      const installation = yield* install
      const keys = makeAccountKeys()
      const account = { tenant: "acme" as TenantSlug, keys, limits: { ...PLANS.free, connections: 2 } }
      yield* pushClaims(installation.system, yield* Effect.promise(() => signTenantAccount(account, installation.keys)))
      const user = yield* Effect.promise(() => signTenantUser(keys, "collector-1", "collector", tomorrow()))
      yield* installation.connectAs(user)
      yield* installation.connectAs(user)
      assert.strictEqual((yield* Effect.exit(installation.connectAs(user)))._tag, "Failure")
    })
  )
})
