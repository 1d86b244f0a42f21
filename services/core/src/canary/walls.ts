/**
 * The walls that the canary leans against: what one canary tenant tries against another. Each gives what it got hold of,
 * or undefined where the wall held. None does harm where a wall is open: they look, and what they publish is refused by
 * the stream it reaches.
 */
import { randomUUID } from "node:crypto"
import { makeInstallation, makeTenantKeys, NKey, signTenantUser, userAuthenticator } from "@bulkhead/accounts"
import { SHARED_STREAM_NAME, streamName, type TenantSlug } from "@bulkhead/channels"
import { connect, headers, type NatsConnection } from "@nats-io/transport-node"

/** Two tenants' clients, and where the servers are. */
export interface CanaryPair {
  /** May publish. */
  readonly attacker: NatsConnection
  /** May read what the platform gives back. */
  readonly eavesdropper: NatsConnection
  readonly victim: NatsConnection
  readonly victimSlug: TenantSlug
  /** The platform says something that is for the victim, and is stored nowhere. */
  readonly sayToVictim: (text: string) => Promise<void>
}

/** What came through the wall. */
export type Evidence = string | undefined

export type Wall = (pair: CanaryPair) => Promise<Evidence>

const ANSWER_TIMEOUT_MS = 1_000

/** No stream is called so: whichever the message reaches answers and stores nothing. */
export const harmless = () => {
  const made = headers()
  made.set("Nats-Expected-Stream", "of-nobody")
  return made
}

/** Asks on a subject; an answer of any kind is evidence, unless nobody was there to give one. */
const answerTo = async (connection: NatsConnection, subject: string): Promise<Evidence> => {
  try {
    const reply = await connection.request(subject, "{}", { timeout: ANSWER_TIMEOUT_MS, headers: harmless() })
    return `${subject} answered ${reply.string().slice(0, 100)}`
  } catch {
    return undefined
  }
}

const firstOf = async (attempts: ReadonlyArray<Promise<Evidence>>): Promise<Evidence> =>
  (await Promise.all(attempts)).find((evidence) => evidence !== undefined)

/** The victim publishes; it has arrived when its stream has answered. */
export const publishHarmlessly = async (connection: NatsConnection, marker: string): Promise<boolean> =>
  (await answerTo(connection, `events.bulkhead.${marker}`)) !== undefined

/**
 * Two ways lead out of a tenant: a server hands on what comes through the bridge to nobody who imports the platform's
 * streams, and what the platform itself says to whoever does.
 */
const eavesdrop: Wall = async ({ attacker, eavesdropper, victim, victimSlug, sayToVictim }) => {
  const marker = randomUUID()
  const seen: Array<string> = []
  for (const connection of [attacker, eavesdropper]) {
    for (const subject of [">", "*.>", `${victimSlug}.>`, "events.>", "platform.>", "_INBOX.>"]) {
      connection.subscribe(subject, {
        callback: (refused, message) => {
          if (refused !== null) return
          if (message.subject.includes(marker) || message.string().includes(marker)) seen.push(message.subject)
        }
      })
    }
    await connection.flush()
  }
  await publishHarmlessly(victim, marker)
  await sayToVictim(marker)
  await Promise.all([attacker.flush(), eavesdropper.flush()])
  return seen[0] === undefined ? undefined : `saw the victim's ${seen[0]}`
}

/** Credentials from another operator than the servers'. */
const strangersEnter =
  (servers: ReadonlyArray<string>, ca: string | undefined): Wall =>
  async () => {
    const other = await makeInstallation("stranger", NKey.make("operator"))
    const key = NKey.make("user")
    const user = { name: other.name, publicKey: key.publicKey, expiresAt: new Date(Date.now() + 60_000) }
    const claims = await signTenantUser(user, "collector", makeTenantKeys())
    try {
      const connection = await connect({
        servers: [...servers],
        authenticator: userAuthenticator(claims, key),
        reconnect: false,
        timeout: ANSWER_TIMEOUT_MS,
        ...(ca === undefined ? {} : { tls: { ca } })
      })
      await connection.close()
      return "a user whom a stranger signed got in"
    } catch {
      return undefined
    }
  }

/** Every wall by its name. */
export const wallsOf = (servers: ReadonlyArray<string>, ca: string | undefined): Readonly<Record<string, Wall>> => ({
  publish: ({ attacker, victimSlug }) =>
    firstOf(
      ["events.bulkhead.canary", "logs.syslog", "otel.traces"].map((base) =>
        answerTo(attacker, `${victimSlug}.${base}`)
      )
    ),
  subscribe: eavesdrop,
  jetstream: ({ attacker, victimSlug }) =>
    firstOf(
      ["STREAM.INFO", "STREAM.MSG.GET", "CONSUMER.NAMES"].flatMap((call) =>
        [streamName(victimSlug), SHARED_STREAM_NAME].map((stream) => answerTo(attacker, `$JS.API.${call}.${stream}`))
      )
    ),
  system: ({ attacker }) =>
    firstOf(["$SYS.REQ.SERVER.PING", "$SYS.REQ.CLAIMS.LIST"].map((subject) => answerTo(attacker, subject))),
  signer: ({ attacker }) => answerTo(attacker, "bulkhead.signer.v1.list-users"),
  credentials: strangersEnter(servers, ca)
})
