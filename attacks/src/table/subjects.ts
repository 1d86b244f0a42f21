/** Publishing where one may not, and listening where one may not. */
import { type Attack, attack } from "../Attack.ts"

/** The attacker's own stream took it, under the attacker's own prefix. */
export const own = (reply: string): boolean => /"stream":\s*"events-(globex|initech)"/.test(reply)

const PUBLISH: Readonly<Record<string, string>> = {
  "the victim's prefix": "acme.events.x",
  "the victim's prefix, another root": "acme.logs.syslog",
  "the victim's prefix twice": "acme.acme.events.x",
  "its own prefix, then the victim's": "globex.acme.events.x",
  "the victim's prefix below a root": "events.acme.events.x",
  "the victim's prefix in capitals": "ACME.events.x",
  "the victim's prefix with a look-alike letter": "\u0430cme.events.x",
  "the victim's prefix with a percent sign": "%61cme.events.x",
  "a slug that begins like the victim's": "acme-x.events.x",
  "a star for the tenant": "*.events.x",
  "a wildcard for all": "acme.>",
  "what the platform gives back to the victim": "acme.logs.syslog.processed",
  "the victim's alerts": "acme.alerts.fire",
  "a subject that only the platform uses": "default.events.x"
}

const LISTEN: Readonly<Record<string, string>> = {
  everything: ">",
  "the victim's prefix": "acme.>",
  "every tenant's events": "*.events.>",
  "what the platform gives back": "platform.>",
  "the victim's inbox": "_INBOX.victim.>",
  "all inboxes": "_INBOX.>",
  "replies across accounts": "_R_.>",
  acknowledgements: "$JS.ACK.>",
  "the signer's requests": "bulkhead.signer.>",
  "system events": "$SYS.>",
  advisories: "$JS.EVENT.>"
}

export const subjects: ReadonlyArray<Attack> = [
  ...Object.entries(PUBLISH).map(([what, subject]) =>
    attack(`publish into ${what}`, ({ ask }) => ask(subject, "{}", {}, own))
  ),
  ...Object.entries(LISTEN).map(([what, subject]) =>
    attack(`listen to ${what}`, async ({ listen, client }) => {
      listen(subject)
      await client.flush()
    })
  ),
  attack("take the lane's messages as a member of its queue", async ({ listen, client }) => {
    for (const queue of ["event-writer", "account-signer"]) listen("acme.events.>", { queue })
    await client.flush()
  }),
  attack("answer the signer's requests in its place", async ({ client, listen }) => {
    listen("bulkhead.signer.v1.*", { queue: "account-signer" })
    await client.flush()
  })
]
