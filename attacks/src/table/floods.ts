/** More than the plan gives: the attacker is stopped at its limit, and the victim does not notice. */
import { credsFile } from "@bulkhead/accounts"
import { connect, credsAuthenticator } from "@nats-io/transport-node"
import { Effect, Redacted } from "effect"
import { type Attack, type Attempt, attack } from "../Attack.ts"

const open = async ({ world }: Attempt) => {
  const user = await Effect.runPromise(world.small.user("collector"))
  const creds = new TextEncoder().encode(Redacted.value(credsFile(user.claims, user.key)))
  return connect({
    servers: world.installation.server.url,
    authenticator: credsAuthenticator(creds),
    reconnect: false
  })
}

const ONLY_DIRECT = ["direct"] as const

export const floods: ReadonlyArray<Attack> = [
  attack(
    "open more connections than its plan has",
    async (attempt) => {
      const { connections } = attempt.world.small.account.limits
      const opened = await Promise.allSettled(Array.from({ length: Number(connections) + 20 }, () => open(attempt)))
      const inside = opened.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []))
      await Promise.allSettled(inside.map((connection) => connection.flush()))
      const left = inside.filter((connection) => !connection.isClosed())
      if (left.length > Number(connections)) attempt.got(`${left.length} connections with a limit of ${connections}`)
      await Promise.all(inside.map((connection) => connection.close()))
    },
    ONLY_DIRECT
  ),
  attack(
    "send a larger message than its plan allows",
    async (attempt) => {
      const { payloadBytes } = attempt.world.small.account.limits
      const connection = await open(attempt)
      const reply = await connection
        .request("events.x", new Uint8Array(Number(payloadBytes) + 1), { timeout: 500 })
        .catch(() => undefined)
      if (reply !== undefined) attempt.got(`${Number(payloadBytes) + 1} bytes were answered ${reply.string()}`)
      await connection.close()
    },
    ONLY_DIRECT
  ),
  attack(
    "make more subscriptions than its plan has",
    async (attempt) => {
      const { subscriptions } = attempt.world.small.account.limits
      const connection = await open(attempt)
      for (let index = 0; index < Number(subscriptions) + 50; index++) connection.subscribe(`_INBOX.${index}`)
      await connection.flush().catch(() => undefined)
      const question = `$SYS.REQ.ACCOUNT.${attempt.world.small.keys.publicKey}.CONNZ`
      const reply = await attempt.world.installation.system.request(question, "{}")
      const { data } = reply.json<{ data: { connections: ReadonlyArray<{ subscriptions: number }> } }>()
      const made = data.connections.reduce((sum, one) => sum + one.subscriptions, 0)
      if (made > Number(subscriptions)) attempt.got(`${made} subscriptions with a limit of ${subscriptions}`)
      await connection.close()
    },
    ONLY_DIRECT
  ),
  attack("publish as fast as it can", async ({ client }) => {
    const payload = new Uint8Array(1_024)
    for (let round = 0; round < 20; round++) {
      for (let index = 0; index < 1_000; index++) client.publish("events.flood", payload)
      await client.flush()
    }
  })
]
