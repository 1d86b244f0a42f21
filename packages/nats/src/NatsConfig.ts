/**
 * How to reach NATS, and the settings that say it.
 */
import { readSettings, Setting } from "@bulkhead/settings"
import type { Config, Redacted } from "effect"

/** What a connection is made with. */
export interface NatsOptions {
  /** `nats://host:4222` or `tls://host:4222`, one or more of one cluster. */
  readonly servers: ReadonlyArray<string>
  /** Default `bulkhead`. */
  readonly clientName?: string | undefined
  readonly credsFile?: string | undefined
  readonly user?: string | undefined
  readonly password?: Redacted.Redacted<string> | undefined
  readonly tlsCaFile?: string | undefined
  readonly tlsCertFile?: string | undefined
  readonly tlsKeyFile?: string | undefined
  /** Default `_INBOX`. */
  readonly inboxPrefix?: string | undefined
}

const file = (name: string, meaning: string) =>
  Setting.text(name, `${meaning}; read again at each connect`, "path").optional

export const natsSettings = {
  servers: Setting.texts("NATS_URL", "servers of one cluster; `tls://` insists on TLS", "URLs").or([
    "nats://127.0.0.1:4222"
  ]),
  clientName: Setting.text("NATS_CLIENT_NAME", "the connection's name in the server's reports").otherwise("`bulkhead`"),
  credsFile: file("NATS_CREDS_FILE", "the user's JWT and seed"),
  user: Setting.text("NATS_USER", "with `NATS_PASSWORD`, instead of a credentials file").optional,
  password: Setting.secret("NATS_PASSWORD", "with `NATS_USER`").optional,
  tlsCaFile: file("NATS_TLS_CA", "PEM file of the authority that the server's certificate comes from"),
  tlsCertFile: file("NATS_TLS_CERT", "PEM file of our own certificate, where the server wants one"),
  tlsKeyFile: file("NATS_TLS_KEY", "PEM file of its key"),
  inboxPrefix: Setting.text(
    "NATS_INBOX_PREFIX",
    "where answers go; one for each user lets the server keep answers apart"
  ).otherwise("`_INBOX`")
}

/** `NatsOptions` from the settings. */
export const natsConfig: Config.Config<NatsOptions> = readSettings(natsSettings)
