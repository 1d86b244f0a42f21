/**
 * Who may connect to a site's leaf node, in which of its two accounts, and what each may do there.
 *
 * | account | who | what for |
 * |---|---|---|
 * | buffer | collectors | publish telemetry, which is stored on the site's disk |
 * | buffer | the relay | read what is stored, and remove it once the platform has it |
 * | uplink | the relay, the leaf connection | what is published here goes to the platform, and nowhere else |
 *
 * That nothing is stored twice follows from the two accounts: what a collector publishes never meets the uplink.
 */
import type { Permissions } from "@nats-io/jwt"
import { BUFFER_STREAM, BUFFER_SUBJECTS, POSITION_STREAM, POSITION_SUBJECT } from "./buffer.ts"

const INBOX = "_INBOX.>"

const api = (stream: string, ...verbs: ReadonlyArray<string>) => verbs.map((verb) => `$JS.API.${verb}.${stream}`)

const allow = (publish: ReadonlyArray<string>): Permissions => ({
  pub: { allow: [...publish] },
  sub: { allow: [INBOX] }
})

export const SITE_USERS = {
  /** Also asks whether the stream is there, as ready-made collectors do before they publish. */
  collector: {
    account: "buffer",
    permissions: allow([
      ...BUFFER_SUBJECTS,
      ...api(BUFFER_STREAM, "STREAM.INFO"),
      "$JS.API.INFO",
      "$JS.API.STREAM.NAMES"
    ])
  },
  "relay-buffer": {
    account: "buffer",
    permissions: allow([
      ...api(BUFFER_STREAM, "STREAM.INFO", "STREAM.CREATE", "STREAM.UPDATE", "STREAM.PURGE", "DIRECT.GET"),
      ...api(POSITION_STREAM, "STREAM.INFO", "STREAM.CREATE", "STREAM.UPDATE", "DIRECT.GET"),
      `$JS.API.DIRECT.GET.${POSITION_STREAM}.${POSITION_SUBJECT}`,
      POSITION_SUBJECT
    ])
  },
  "relay-uplink": { account: "uplink", permissions: allow(BUFFER_SUBJECTS) }
} as const satisfies Readonly<
  Record<string, { readonly account: "buffer" | "uplink"; readonly permissions: Permissions }>
>

export type SiteUser = keyof typeof SITE_USERS
export const SITE_USER_NAMES = Object.keys(SITE_USERS) as ReadonlyArray<SiteUser>
