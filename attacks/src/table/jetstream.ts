/** The platform's JetStream: its API, acknowledgements, buckets and objects. */
import { type Attack, attack, type Way } from "../Attack.ts"

/** Nothing was done or shown: an error, or the attacker's own leaf node, which knows of no victim. */
const harmless = (way: Way) => (reply: string) =>
  reply.includes('"error"') || (way === "leaf" && !reply.includes("acme"))

const stolen = JSON.stringify({ name: "stolen", subjects: ["acme.>"], storage: "memory" })
const sourcing = JSON.stringify({ name: "stolen", storage: "memory", sources: [{ name: "events-acme" }] })
const emptied = JSON.stringify({ name: "events-acme", subjects: ["acme.events.>"], max_msgs: 1 })
const thief = JSON.stringify({
  stream_name: "events-acme",
  config: { durable_name: "thief", ack_policy: "explicit", filter_subject: "acme.>" }
})
const deliver = JSON.stringify({
  stream_name: "events-acme",
  config: { deliver_subject: "events.loot", ack_policy: "none", deliver_policy: "all" }
})

/** On its own leaf node the attacker may make whatever streams it likes. */
const NOT_AT_HOME = ["direct", "wide"] as const

const MAKING: ReadonlyArray<readonly [what: string, call: string, payload: string]> = [
  ["make a stream over the victim's subjects", "STREAM.CREATE.stolen", stolen],
  ["make a stream that copies the victim's", "STREAM.CREATE.stolen", sourcing]
]

const CALLS: ReadonlyArray<readonly [what: string, call: string, payload?: string]> = [
  ["look at the victim's stream", "STREAM.INFO.events-acme"],
  ["list streams", "STREAM.LIST"],
  ["name streams", "STREAM.NAMES"],
  ["purge the victim's stream", "STREAM.PURGE.events-acme"],
  ["delete the victim's stream", "STREAM.DELETE.events-acme"],
  ["shrink the victim's stream", "STREAM.UPDATE.events-acme", emptied],
  ["read a message of the victim's", "STREAM.MSG.GET.events-acme", '{"seq":1}'],
  ["read a message of the victim's directly", "DIRECT.GET.events-acme", '{"seq":1}'],
  ["delete a message of the victim's", "STREAM.MSG.DELETE.events-acme", '{"seq":1}'],
  ["take a snapshot of the victim's stream", "STREAM.SNAPSHOT.events-acme", '{"deliver_subject":"events.loot"}'],
  ["make a consumer of the victim's stream", "CONSUMER.DURABLE.CREATE.events-acme.thief", thief],
  ["have the victim's stream delivered", "CONSUMER.CREATE.events-acme", deliver],
  ["take the next message from the lane's consumer", "CONSUMER.MSG.NEXT.events-acme.event-writer", "1"],
  ["delete the lane's consumer", "CONSUMER.DELETE.events-acme.event-writer"],
  ["list the victim's consumers", "CONSUMER.LIST.events-acme"],
  ["make the victim's stream change its leader", "STREAM.LEADER.STEPDOWN.events-acme"],
  ["remove a server from the cluster", "SERVER.REMOVE", '{"peer":"bulkhead-dev"}'],
  ["look at the platform's account", "INFO"]
]

export const jetstream: ReadonlyArray<Attack> = [
  ...CALLS.map(([what, call, payload = "{}"]) =>
    attack(what, ({ ask, way }) => ask(`$JS.API.${call}`, payload, {}, harmless(way)))
  ),
  ...MAKING.map(([what, call, payload]) =>
    attack(what, ({ ask, way }) => ask(`$JS.API.${call}`, payload, {}, harmless(way)), NOT_AT_HOME)
  ),
  attack("purge the victim's account", ({ ask, way, world }) =>
    ask(`$JS.API.ACCOUNT.PURGE.${world.victim.keys.publicKey}`, "{}", {}, harmless(way))
  ),
  attack("reach the API by a domain", async ({ ask, way }) => {
    for (const domain of ["hub", "platform", "bulkhead-dev"]) {
      await ask(`$JS.${domain}.API.STREAM.INFO.events-acme`, "{}", {}, harmless(way))
    }
  }),
  attack("acknowledge for the lane", async ({ send }) => send("$JS.ACK.events-acme.event-writer.1.1.1.1.0", "+ACK")),
  attack("change a flag of the platform", async ({ send }) =>
    send("$KV.bulkhead-flags.NATS_TENANT_PREFIX_ENABLED.everyone", "off")
  ),
  attack("write an object of the platform", async ({ send }) => send("$O.bulkhead.C.x", "{}"))
]
