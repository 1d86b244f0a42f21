/** What a role may not do within its own account, and what a leaf node makes up. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { credsFile } from "@bulkhead/accounts"
import { startNatsServer } from "@bulkhead/devstack"
import { connect } from "@nats-io/transport-node"
import { Effect, Redacted, Scope } from "effect"
import { type Attack, type Attempt, attack } from "../Attack.ts"
import { own } from "./subjects.ts"

const ONLY_DIRECT = ["direct"] as const

const inWorld = <A, E>(attempt: Attempt, effect: Effect.Effect<A, E, Scope.Scope>) =>
  Effect.runPromise(Scope.provide(effect, attempt.world.scope))

/** Publishes in a role that may not. */
const publishAs = (role: "viewer" | "service", subject: string) =>
  attack(
    `publish ${subject} as a ${role}`,
    async (attempt) => {
      const connection = await inWorld(attempt, attempt.world.attacker.connectAs(role))
      const reply = await connection.request(subject, "{}", { timeout: 500 }).catch(() => undefined)
      if (reply !== undefined) attempt.got(`${subject} answered ${reply.string()}`)
      await connection.close()
    },
    ONLY_DIRECT
  )

/** A leaf node with a configuration of the attacker's choice, and a client of it. */
const ownLeaf = (attempt: Attempt, credentials: string, config: string) =>
  inWorld(
    attempt,
    Effect.gen(function* () {
      const { leafUrl } = attempt.world.installation
      const remote = `leafnodes { remotes: [{ url: "${leafUrl}", credentials: "${credentials}" }] }`
      const server = yield* startNatsServer({ name: "second-leaf", config: `${remote}\n${config}` })
      const client = yield* Effect.promise(() => connect({ servers: server.url }))
      return { server, client }
    })
  )

const leafs = async (monitorUrl: string): Promise<number> =>
  ((await (await fetch(`${monitorUrl}/leafz`)).json()) as { leafnodes: number }).leafnodes

const ROUNDS = 20

export const roles: ReadonlyArray<Attack> = [
  publishAs("viewer", "events.x"),
  publishAs("service", "netflow.x"),
  publishAs("service", "otel.traces"),
  attack(
    "read what the platform gives back as a collector",
    async ({ client, world, got }) => {
      const subscription = client.subscribe("platform.>", {
        callback: (refused, message) => {
          if (refused === null) got(`was given ${message.subject}`)
        }
      })
      await client.flush()
      world.installation.platform.publish("globex.logs.syslog.processed", "{}")
      await world.installation.platform.flush()
      await client.flush()
      subscription.unsubscribe()
    },
    ONLY_DIRECT
  ),
  attack(
    "connect a leaf node with a client's credentials",
    async (attempt) => {
      const user = await Effect.runPromise(attempt.world.attacker.user("collector"))
      const file = join(attempt.world.installation.folder, "client-as-leaf.creds")
      writeFileSync(file, Redacted.value(credsFile(user.claims, user.key)))
      const { server, client } = await ownLeaf(attempt, file, "")
      for (let round = 0; round < ROUNDS; round++) {
        if ((await leafs(server.monitorUrl)) > 0) attempt.got("the leaf node was let in")
        await client.flush()
      }
      await client.close()
      await Effect.runPromise(server.stop)
    },
    ONLY_DIRECT
  ),
  attack(
    "map its subjects onto the victim's in its own leaf node",
    async (attempt) => {
      const config = 'mappings { "events.>": "acme.events.>", "logs.>": "acme.logs.>" }'
      const { server, client } = await ownLeaf(attempt, attempt.world.leaf.credentials, config)
      const reply = await client.request("events.x", "{}", { timeout: 1_000 }).catch(() => undefined)
      if (reply !== undefined && reply.headers?.code !== 503 && !own(reply.string())) {
        attempt.got(`the mapping answered ${reply.string()}`)
      }
      await client.close()
      await Effect.runPromise(server.stop)
    },
    ONLY_DIRECT
  ),
  attack(
    "copy the victim's stream into a stream of its own leaf node",
    async ({ world, got }) => {
      const config = {
        name: "copy",
        storage: "memory",
        sources: [{ name: "events-acme", external: { api: "$JS.API", deliver: "events.loot" } }]
      }
      await world.leaf.client.request("$JS.API.STREAM.CREATE.copy", JSON.stringify(config), { timeout: 2_000 })
      const reply = await world.leaf.client.request("$JS.API.STREAM.INFO.copy", "", { timeout: 2_000 })
      const { state } = reply.json<{ state?: { messages: number } }>()
      if ((state?.messages ?? 0) > 0) got(`${state?.messages} messages were copied`)
      await world.leaf.client.request("$JS.API.STREAM.DELETE.copy", "", { timeout: 2_000 })
    },
    ["leaf"]
  )
]
