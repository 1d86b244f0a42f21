/**
 * The installation that is attacked: the victim `acme`, the attacker `globex` with a leaf node of its own, an attacker
 * `initech` whose role allows everything, and witnesses on all sides. A nats-server in operator mode, as deployed.
 */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { credsFile, PLANS, signTenantAccount } from "@bulkhead/accounts"
import { startInstallation, type TestTenant } from "@bulkhead/accounts/testing"
import { startNatsServer, waitUntil } from "@bulkhead/devstack"
import { jetstreamManager } from "@nats-io/jetstream"
import { type Account, decode, encodeAccount, type SigningKey } from "@nats-io/jwt"
import { connect, type NatsConnection } from "@nats-io/transport-node"
import { Effect, Redacted } from "effect"
import type { Way } from "./Attack.ts"

export const VICTIM = "acme"

/** Where an attacker listens; most of it is refused at once, which is fine. */
const EARS = [">", "*.>", "*.*.>", "acme.>", "events.>", "platform.>", "_INBOX.>", "_R_.>", "$JS.>", "$SYS.>", "$KV.>"]

const decoder = new TextDecoder()

/** Everything that reaches a connection which should not know of the victim, as text. */
const listen = (connection: NatsConnection, heard: Array<string>) => {
  for (const subject of EARS) {
    connection.subscribe(subject, {
      callback: (refused, message) => {
        if (refused === null) heard.push(`${message.subject} ${decoder.decode(message.data)}`)
      }
    })
  }
}

type Installation = Effect.Success<ReturnType<typeof startInstallation>>

/** Claims of a tenant whose every role may use every subject: what is left is the account. */
const widen = (installation: Installation, tenant: TestTenant) =>
  Effect.promise(async () => {
    const claims = await signTenantAccount(tenant.account, tenant.keys, installation.keys)
    const { signing_keys = [], ...nats } = decode<Account>(claims).nats
    const roles = (signing_keys as Array<SigningKey>).map((role) => ({
      ...role,
      template: { ...role.template, pub: { allow: [">"] }, sub: { allow: [">"] } }
    }))
    const signer = { signer: installation.keys.operatorSigning.signer }
    return encodeAccount(tenant.account.tenant, tenant.keys.publicKey, { ...nats, signing_keys: roles }, signer)
  })

/** The attacker's own nats-server, connected with its leaf credentials. Its clients need none. */
const startLeaf = Effect.fnUntraced(function* (installation: Installation, attacker: TestTenant) {
  const user = yield* attacker.user("leaf")
  const credentials = join(installation.folder, "leaf.creds")
  yield* Effect.sync(() => writeFileSync(credentials, Redacted.value(credsFile(user.claims, user.key))))
  const server = yield* startNatsServer({
    name: "attackers-leaf",
    config: `leafnodes { remotes: [{ url: "${installation.leafUrl}", credentials: "${credentials}" }] }`
  })
  const client = yield* Effect.acquireRelease(
    Effect.promise(() => connect({ servers: server.url })),
    (open) => Effect.promise(() => open.close())
  )
  yield* waitUntil(
    "the leaf node is connected",
    Effect.promise(async () => {
      const { leafnodes } = (await (await fetch(`${server.monitorUrl}/leafz`)).json()) as { leafnodes: number }
      return leafnodes === 1
    })
  )
  return { server, client, credentials }
})

/** What can be seen of the victim's stream from the platform's side. */
const lookAtVictim = (platform: NatsConnection) =>
  Effect.promise(async () => {
    const manager = await jetstreamManager(platform)
    const { config, state } = await manager.streams.info(`events-${VICTIM}`)
    const streams: Array<string> = []
    for await (const { config } of manager.streams.list()) streams.push(config.name)
    return {
      config: JSON.stringify(config),
      messages: state.messages,
      lastSequence: state.last_seq,
      consumers: state.consumer_count,
      streams: streams.sort().join()
    }
  })

export const startWorld = Effect.fnUntraced(function* () {
  const installation = yield* startInstallation()
  const victim = yield* installation.onboard(VICTIM)
  const attacker = yield* installation.onboard("globex")
  const wide = yield* installation.onboard("initech")
  yield* installation.servers.push(yield* widen(installation, wide))
  const small = yield* installation.onboard("hooli", { limits: PLANS.free })
  const suspended = yield* installation.onboard("umbrella")
  yield* installation.push({ ...suspended.account, isSuspended: true }, suspended.keys)
  const deleted = yield* installation.onboard("tyrell")
  yield* installation.servers.remove(deleted.keys.publicKey, installation.keys.operatorSigning)
  const revokedUser = yield* attacker.user("collector")
  const revoked = { [revokedUser.publicKey]: Math.ceil(Date.now() / 1_000) }
  yield* installation.push({ ...attacker.account, revoked }, attacker.keys)
  const leaf = yield* startLeaf(installation, attacker)
  const clients: Readonly<Record<Way, NatsConnection>> = {
    direct: yield* attacker.connectAs("collector"),
    leaf: leaf.client,
    wide: yield* wide.connectAs("collector")
  }
  const victimClient = yield* victim.connectAs("collector", { inboxPrefix: "_INBOX.victim" })
  /** What attackers heard. */
  const heard: Array<string> = []
  for (const client of [...Object.values(clients), yield* attacker.connectAs("service")]) listen(client, heard)
  /** What reached the platform's account. */
  const arrived: Array<string> = []
  installation.platform.subscribe(">", { callback: (_, { subject }) => void arrived.push(subject) })
  /** What the platform gave back to the victim. */
  const givenBack: Array<string> = []
  const viewer = yield* victim.connectAs("viewer")
  viewer.subscribe("platform.>", { callback: (_, { subject }) => void givenBack.push(subject) })
  const ears = [...Object.values(clients), installation.platform, viewer]
  /** Whatever was sent to an ear before this has been heard after it. */
  const settle = Effect.promise(async () => {
    // A flush goes to the leaf node alone; an answer from beyond it comes after all that was sent to it before.
    await leaf.client.request("events.settled", "{}", { timeout: 2_000 }).catch(() => undefined)
    await Promise.all(ears.filter((ear) => !ear.isClosed()).map((ear) => ear.flush()))
  })
  yield* settle
  return {
    installation,
    victim,
    attacker,
    wide,
    small,
    suspended,
    deleted,
    revokedUser,
    leaf,
    clients,
    victimClient,
    heard,
    arrived,
    givenBack,
    settle,
    look: lookAtVictim(installation.platform),
    /** Clients and servers that attacks start end with the world. */
    scope: yield* Effect.scope
  }
})

export type World = Effect.Success<ReturnType<typeof startWorld>>
