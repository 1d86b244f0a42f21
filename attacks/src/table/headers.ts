/** Headers that JetStream obeys, and replies that go where they should not. */
import { headers as makeHeaders } from "@nats-io/transport-node"
import { type Attack, attack } from "../Attack.ts"
import { own } from "./subjects.ts"

const withHeaders = (values: Readonly<Record<string, string>>) => {
  const headers = makeHeaders()
  for (const [name, value] of Object.entries(values)) headers.set(name, value)
  return { headers }
}

/** Its own stream took it or refused it; either way it is the attacker's own stream that speaks. */
const ownWord = (reply: string) => own(reply) || reply.includes('"error"')

const HEADERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "expect the victim's stream": { "Nats-Expected-Stream": "events-acme" },
  "expect the victim's last sequence": { "Nats-Expected-Last-Sequence": "1" },
  "expect a last sequence of the victim's subject": {
    "Nats-Expected-Last-Subject-Sequence": "1",
    "Nats-Expected-Last-Subject-Sequence-Subject": "acme.events.x"
  },
  "roll up all messages": { "Nats-Rollup": "all" },
  "claim to come from the victim's stream": { "Nats-Stream-Source": "events-acme 1 > > acme.events.x" },
  "schedule a message into the victim's stream": {
    "Nats-Schedule": "@at 2020-01-01T00:00:00Z",
    "Nats-Schedule-Target": "acme.events.x"
  },
  "write in a batch with the victim": { "Nats-Batch-Id": "b", "Nats-Batch-Sequence": "1", "Nats-Batch-Commit": "1" },
  "let a message die at once": { "Nats-TTL": "1s" },
  "mark a message as deleted": { "KV-Operation": "PURGE" },
  "have its way traced into its own hands": { "Nats-Trace-Dest": "events.trace" },
  "have its way traced into the victim's stream": { "Nats-Trace-Dest": "acme.events.trace" }
}

const REPLIES: Readonly<Record<string, string>> = {
  "into the victim's stream": "acme.events.x",
  "into a purge of the victim's stream": "$JS.API.STREAM.PURGE.events-acme",
  "into a deletion of the victim's stream": "$JS.API.STREAM.DELETE.events-acme",
  "into the victim's inbox": "_INBOX.victim.x",
  "to the signer": "bulkhead.signer.v1.remove-account",
  "to the system account": "$SYS.REQ.CLAIMS.DELETE",
  "to what the platform gives back": "platform.logs.syslog.processed",
  "to an answer across accounts": "_R_.x.y"
}

export const headers: ReadonlyArray<Attack> = [
  attack("use up the victim's next message id", ({ ask, victimsNextId }) =>
    ask("events.x", "{}", withHeaders({ "Nats-Msg-Id": victimsNextId }), own)
  ),
  ...Object.entries(HEADERS).map(([what, values]) =>
    attack(what, ({ ask }) => ask("events.x", "{}", withHeaders(values), ownWord))
  ),
  ...Object.entries(REPLIES).map(([where, reply]) =>
    attack(`send the stream's answer ${where}`, async ({ client }) => {
      client.publish("events.x", "{}", { reply })
      await client.flush()
    })
  )
]
