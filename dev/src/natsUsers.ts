/**
 * The NATS users of the local platform, each with the subjects it needs and no others. Every user has its own inbox
 * prefix, so that none can read another's replies.
 */
import { Redacted } from "effect"
import type { DevFolder } from "./DevFolder.ts"

const readFlags = [
  "$JS.API.STREAM.INFO.KV_bulkhead-flags",
  "$JS.API.STREAM.MSG.GET.KV_bulkhead-flags",
  "$JS.API.DIRECT.GET.KV_bulkhead-flags.>",
  "$JS.API.CONSUMER.CREATE.KV_bulkhead-flags.>",
  "$JS.API.CONSUMER.DELETE.KV_bulkhead-flags.>"
]

/** Publish permissions; subscribe is the own inbox in each case. */
const publish = {
  core: [
    "$JS.API.>",
    "$JS.ACK.>",
    "$JS.FC.>",
    "$KV.bulkhead-flags.>",
    "*.events.>",
    "events.>",
    "serviceradar.tenants.lifecycle.>"
  ],
  poller: ["*.events.>", "events.>", ...readFlags],
  traffic: ["*.events.>", "events.>", ...readFlags]
} as const

export type NatsUser = keyof typeof publish

export const inboxPrefix = (user: NatsUser): string => `_INBOX_${user}`

/** The environment with which a program connects as `user`. */
export const natsEnvironment = (folder: DevFolder, url: string, user: NatsUser): Record<string, string> => ({
  NATS_URL: url,
  NATS_USER: user,
  NATS_PASSWORD: Redacted.value(folder.secret(`nats-${user}`)),
  NATS_INBOX_PREFIX: inboxPrefix(user)
})

/** The server's `authorization` block. */
export const natsAuthorization = (folder: DevFolder): string => {
  const users = (Object.keys(publish) as Array<NatsUser>).map(
    (user) => `
    { user: ${user}, password: "${Redacted.value(folder.secret(`nats-${user}`))}", permissions: {
        publish: ${JSON.stringify(publish[user])}
        subscribe: ["${inboxPrefix(user)}.>"]
    } }`
  )
  return `authorization {\n  users: [${users.join("")}\n  ]\n}`
}
