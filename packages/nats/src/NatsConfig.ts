/**
 * How to reach NATS, and the environment variables that say it.
 *
 * | variable | default | meaning |
 * |---|---|---|
 * | `NATS_URL` | `nats://127.0.0.1:4222` | servers, separated by commas; `tls://` insists on TLS |
 * | `NATS_CREDS_FILE` | — | the user's JWT and seed; read again at each connect |
 * | `NATS_USER`, `NATS_PASSWORD` | — | instead of a credentials file |
 * | `NATS_TLS_CA`, `NATS_TLS_CERT`, `NATS_TLS_KEY` | — | PEM files; read again at each connect |
 * | `NATS_INBOX_PREFIX` | `_INBOX` | where answers go; one per user lets the server keep answers apart |
 * | `NATS_CLIENT_NAME` | `bulkhead` | the connection's name in the server's reports |
 */
import { Config, Option, type Redacted } from "effect"

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

const optional = (name: string) => Config.option(Config.String(name)).pipe(Config.map(Option.getOrUndefined))

const listOf = (text: string): ReadonlyArray<string> =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "")

/** `NatsOptions` from the environment. */
export const natsConfig: Config.Config<NatsOptions> = Config.all({
  servers: Config.String("NATS_URL").pipe(Config.withDefault("nats://127.0.0.1:4222"), Config.map(listOf)),
  clientName: optional("NATS_CLIENT_NAME"),
  credsFile: optional("NATS_CREDS_FILE"),
  user: optional("NATS_USER"),
  password: Config.option(Config.Redacted("NATS_PASSWORD")).pipe(Config.map(Option.getOrUndefined)),
  tlsCaFile: optional("NATS_TLS_CA"),
  tlsCertFile: optional("NATS_TLS_CERT"),
  tlsKeyFile: optional("NATS_TLS_KEY"),
  inboxPrefix: optional("NATS_INBOX_PREFIX")
})
